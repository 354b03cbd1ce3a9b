# strongSwan's `pki --issue`: begins in the present second, 1095 days, DER.
set -e
verb=$1
shift
case $verb in
make)
    pki --gen --type rsa --size 2048 > ca.key
    pki --self --ca --lifetime 3650 --in ca.key --type rsa --dn 'O=strongSwan, CN=pki' --outform pem > ca.pem ;;
issue)
    cat > request.pem
    pki --issue --cacert ca.pem --cakey ca.key --type pkcs10 --in request.pem ${DAYS:+--lifetime $DAYS} ;;
esac
