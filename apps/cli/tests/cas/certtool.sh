# GnuTLS `certtool`: begins in the present second, 365 days, PEM.
set -e
verb=$1
shift
case $verb in
make)
    certtool --generate-privkey --key-type rsa --bits 2048 --outfile ca.key
    printf 'organization = GnuTLS\ncn = certtool\nca\ncert_signing_key\nexpiration_days = 3650\n' > ca.tmpl
    certtool --generate-self-signed --load-privkey ca.key --template ca.tmpl --outfile ca.pem ;;
issue)
    cat > request.pem
    : > leaf.tmpl
    [ -z "$DAYS" ] || echo "expiration_days = $DAYS" > leaf.tmpl
    certtool --generate-certificate --load-request request.pem --load-ca-certificate ca.pem \
        --load-ca-privkey ca.key --template leaf.tmpl ;;
esac
