#!/bin/sh
# Kryoptic without the mechanisms that hash and sign: the hash is made on the host. Neither are there RSASSA-PSS and the bare RSA
# operation, so an RSA key cannot sign for TLS 1.3.
export KRYOPTIC_MECHANISMS='mechanisms = ["DENY", "CKM_SHA256_RSA_PKCS", "CKM_ECDSA_SHA256", "CKM_ECDSA_SHA384",
    "CKM_RSA_PKCS_PSS", "CKM_SHA256_RSA_PKCS_PSS", "CKM_RSA_X_509"]'
exec sh "$(dirname "$0")/kryoptic.sh" "$@"
