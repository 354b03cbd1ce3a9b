# NSS `certutil -C`: begins in the present second, three months, no extension, PEM when the request is PEM.
set -e
verb=$1
shift
case $verb in
make)
    mkdir nss
    : > password
    head -c 64 /dev/urandom > noise
    certutil -N -d sql:nss -f password
    # Asked for the basic constraints: a CA, without a limit to the path, critical.
    printf 'y\n\ny\n' | certutil -S -d sql:nss -f password -z noise -n ca -s 'CN=certutil,O=NSS' -x -t CT,, -v 120 \
        -k rsa -g 2048 -2
    certutil -L -d sql:nss -n ca -a > ca.pem ;;
issue)
    cat > request.pem
    # Its serial numbers are the time: two of half a second would be the same.
    sleep 1
    certutil -C -d sql:nss -f password -c ca -a -i request.pem ${DAYS:+-v 1} -o answer.pem
    cat answer.pem ;;
esac
