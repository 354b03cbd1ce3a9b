# cfssl: begins five minutes ago, one year, for servers and clients, all strings PrintableString where they can be,
# equal attributes in one set; the certificate in JSON, which its own `cfssljson` unpacks.
set -e
verb=$1
shift
case $verb in
make)
    printf '{"CN":"cfssl","names":[{"O":"CloudFlare"}],"key":{"algo":"rsa","size":2048}}' > ca.json
    cfssl gencert -initca ca.json | cfssljson -bare ca
    mv ca-key.pem ca.key ;;
issue)
    cat > request.pem
    if [ -n "$DAYS" ]; then
        printf '{"signing":{"default":{"expiry":"%sh","usages":["client auth"]}}}' $((DAYS * 24)) > days.json
    fi
    cfssl sign -ca ca.pem -ca-key ca.key ${DAYS:+-config days.json} request.pem > answer.json
    cfssljson -f answer.json -bare answer
    cat answer.pem ;;
esac
