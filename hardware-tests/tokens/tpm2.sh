#!/bin/sh
# tpm2-pkcs11 on swtpm, with tpm2-abrmd in between: a TPM without a resource manager has room for three keys.
if [ -z "${TPM2_BUS:-}" ]; then
    export TPM2_BUS=1
    exec dbus-run-session -- sh "$0" "$@"
fi
. "$(dirname "$0")/common.sh"
mkdir "$folder/state" "$folder/store"
port=$((20000 + $$ % 20000))
swtpm socket --tpm2 --tpmstate "dir=$folder/state" --server "type=tcp,port=$port,bindaddr=127.0.0.1" \
    --ctrl "type=tcp,port=$((port + 1)),bindaddr=127.0.0.1" --flags not-need-init,startup-clear &
beside=$!
sleep 1
root=""
[ "$(id -u)" = 0 ] && root=--allow-root
tpm2-abrmd --session $root --tcti="swtpm:host=127.0.0.1,port=$port" > "$folder/abrmd" 2>&1 &
beside="$! $beside"
sleep 2
export TPM2_PKCS11_TCTI=tabrmd:bus_type=session TPM2_PKCS11_STORE="$folder/store"
module=$(first_of /usr/lib/*/libtpm2_pkcs11.so.1 /usr/lib64/pkcs11/libtpm2_pkcs11.so)
initialise "$module" TPM --slot 1
use "$module" TPM "$@"
