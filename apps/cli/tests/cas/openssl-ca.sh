# `openssl ca` with the policy and the extensions of the configuration that OpenSSL comes with: begins in the
# present second, sorts the subject by its policy, prints the certificate as text before the PEM.
set -e
verb=$1
shift
case $verb in
make)
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj '/O=OpenSSL/CN=ca' "$@"
    mkdir issued
    : > index.txt
    cat > ca.cnf <<'END'
[ca]
default_ca = CA_default
[CA_default]
database = index.txt
new_certs_dir = issued
certificate = ca.pem
private_key = ca.key
rand_serial = yes
unique_subject = no
default_days = 365
default_md = default
preserve = no
policy = policy_anything
x509_extensions = usr_cert
[policy_anything]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = supplied
emailAddress = optional
[usr_cert]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer
END
    ;;
issue)
    openssl ca -batch -config ca.cnf -in /dev/stdin ${DAYS:+-days $DAYS} "$@" ;;
esac
