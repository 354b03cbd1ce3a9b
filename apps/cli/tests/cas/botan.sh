# Botan's `botan sign_cert`: begins in the present second, 365 days, PEM.
set -e
verb=$1
shift
case $verb in
make)
    botan keygen --algo=RSA --params=2048 > ca.key
    botan gen_self_signed ca.key sign_cert --organization=Botan --ca > ca.pem ;;
issue)
    cat > request.pem
    botan sign_cert --duration="${DAYS:-365}" ca.pem ca.key request.pem ;;
esac
