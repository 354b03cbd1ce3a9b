#!/bin/sh
# SoftHSM behind `p11-kit server`, reached by p11-kit-client: the token is in another process.
. "$(dirname "$0")/common.sh"
mkdir "$folder/tokens"
export SOFTHSM2_CONF="$folder/softhsm2.conf"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$folder/tokens" > "$SOFTHSM2_CONF"
softhsm=$(first_of /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so)
softhsm2-util --init-token --free --label BANK --pin "$pin" --so-pin "$so_pin" > "$folder/initialised"
p11-kit server --name "$folder/socket" --provider "$softhsm" pkcs11:token=BANK > "$folder/server"
beside=$(sed -n 's/^P11_KIT_SERVER_PID=\([0-9]*\);.*/\1/p' "$folder/server")
unset SOFTHSM2_CONF
export P11_KIT_SERVER_ADDRESS="unix:path=$folder/socket"
use "$(first_of /usr/lib/*/pkcs11/p11-kit-client.so /usr/lib64/pkcs11/p11-kit-client.so)" BANK "$@"
