#!/bin/sh
# SoftHSM 2.
. "$(dirname "$0")/common.sh"
mkdir "$folder/tokens"
export SOFTHSM2_CONF="$folder/softhsm2.conf"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$folder/tokens" > "$SOFTHSM2_CONF"
module=$(first_of /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so)
softhsm2-util --init-token --free --label BANK --pin "$pin" --so-pin "$so_pin" > "$folder/initialised"
use "$module" BANK "$@"
