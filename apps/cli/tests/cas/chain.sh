# Root, issuing CA and client with OpenSSL; the answer in one of the FORMs in which CAs hand out a chain.
set -e
verb=$1
shift
sign() { # REQUEST EXTENSIONS DAYS CA: prints a certificate that begins in the present second
    openssl x509 -req -in "$1" -days "$3" -CA "$4.pem" -CAkey "$4.key" -CAcreateserial -extfile chain.cnf -extensions "$2"
}
case $verb in
make)
    cat > chain.cnf <<'END'
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
    openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3650 -subj '/O=OpenSSL/CN=root'
    openssl req -new -newkey rsa:2048 -nodes -keyout ca.key -out ca.csr -subj '/O=OpenSSL/OU=CA - G2'
    sign ca.csr ca 3650 root > ca.pem ;;
issue)
    cat > request.pem
    sign request.pem client "${DAYS:-365}" ca > leaf.pem
    p7="openssl crl2pkcs7 -nocrl -certfile root.pem -certfile ca.pem -certfile leaf.pem"
    case $FORM in
    der) openssl x509 -in leaf.pem -outform DER ;;
    text) openssl x509 -in leaf.pem -text ;;
    trusted) openssl x509 -in leaf.pem -trustout -addtrust clientAuth ;;
    leaf-first) cat leaf.pem ca.pem root.pem ;;
    root-first) cat root.pem ca.pem leaf.pem ;;
    text-root-first) for file in root ca leaf; do openssl x509 -in $file.pem -text; done ;;
    der-leaf-first) for file in leaf ca root; do openssl x509 -in $file.pem -outform DER; done ;;
    p7-pem) $p7 ;;
    p7-der) $p7 -outform DER ;;
    p7-text) $p7 | openssl pkcs7 -print_certs -text ;;
    p7-base64) $p7 -outform DER | openssl base64 ;;
    base64-line) openssl x509 -in leaf.pem -outform DER | openssl base64 -A ;;
    esac ;;
esac
