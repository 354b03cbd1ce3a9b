# Java's `keytool -gencert`: begins in the present second, 90 days, DER unless asked.
set -e
verb=$1
shift
store="-keystore ca.p12 -storepass changeit -alias ca"
case $verb in
make)
    keytool -genkeypair $store -keyalg RSA -keysize 2048 -dname 'CN=keytool, O=Java' -ext bc:c -validity 3650
    keytool -exportcert $store -rfc > ca.pem ;;
issue)
    keytool -gencert $store ${DAYS:+-validity $DAYS} ;;
esac
