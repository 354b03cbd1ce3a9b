# `openssl x509 -req`: begins in the present second, copies the subject, adds no extension, PEM.
set -e
verb=$1
shift
case $verb in
make)
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj '/O=OpenSSL/CN=x509' ;;
issue)
    openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial ${DAYS:+-days $DAYS} "$@" ;;
esac
