#!/bin/sh
# Kryoptic without the mechanisms that hash and sign: the hash is made on the host.
export KRYOPTIC_MECHANISMS='mechanisms = ["DENY", "CKM_SHA256_RSA_PKCS", "CKM_ECDSA_SHA256", "CKM_ECDSA_SHA384"]'
exec sh "$(dirname "$0")/kryoptic.sh" "$@"
