# easy-rsa, scripts around `openssl ca`: for clients, 825 days; the answer is a file with text before the PEM.
set -e
verb=$1
shift
export EASYRSA_BATCH=1 EASYRSA_PKI="$PWD/pki" EASYRSA_REQ_CN='easy-rsa'
easyrsa=/usr/share/easy-rsa/easyrsa
case $verb in
make)
    $easyrsa init-pki
    $easyrsa build-ca nopass
    cp pki/ca.crt ca.pem ;;
issue)
    cat > request.pem
    name=job-$(date +%s%N)
    { $easyrsa import-req request.pem $name
      EASYRSA_CERT_EXPIRE=${DAYS:-825} $easyrsa sign-req client $name; } >&2
    cat pki/issued/$name.crt ;;
esac
