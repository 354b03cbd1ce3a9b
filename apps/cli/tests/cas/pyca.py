# python3-cryptography: nothing by default, so what its own tutorial does: begins in the present second, a year,
# copies the subject, PEM.
import datetime
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def certificate(subject, key, issuer, ca, days, signer):
    now = datetime.datetime.utcnow()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


def make():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Python"),
            x509.NameAttribute(NameOID.COMMON_NAME, "cryptography"),
        ]
    )
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    open("ca.key", "wb").write(private)
    open("ca.pem", "wb").write(certificate(name, key.public_key(), name, True, 3650, key).public_bytes(PEM))


def issue():
    key = serialization.load_pem_private_key(open("ca.key", "rb").read(), None)
    ca = x509.load_pem_x509_certificate(open("ca.pem", "rb").read())
    request = x509.load_pem_x509_csr(sys.stdin.buffer.read())
    days = int(os.environ.get("DAYS", "365"))
    new = certificate(request.subject, request.public_key(), ca.subject, False, days, key)
    sys.stdout.buffer.write(new.public_bytes(PEM))


{"make": make, "issue": issue}[sys.argv[1]]()
