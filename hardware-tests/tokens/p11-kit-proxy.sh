#!/bin/sh
# p11-kit-proxy over two modules, each with a token of the same label: slots are numbered anew.
# Root's p11-kit reads the system's folder of modules alone, so it gets a view of its own of that one: a mount namespace.
if [ -z "${OWN_VIEW:-}" ]; then
    export OWN_VIEW=1
    exec unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/common.sh"
softhsm=$(first_of /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so)
mkdir "$folder/tokens" "$folder/modules"
export SOFTHSM2_CONF="$folder/softhsm2.conf"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$folder/tokens" > "$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label BANK --pin "$pin" --so-pin "$so_pin" > "$folder/initialised"
export KRYOPTIC_CONF="$folder/token.conf"
printf '[[slots]]\nslot = 1\ndbtype = "sqlite"\ndbargs = "%s"\n' "$folder/token.sql" > "$KRYOPTIC_CONF"
initialise "$KRYOPTIC" BANK
printf 'module: %s\npriority: 2\n' "$KRYOPTIC" > "$folder/modules/kryoptic.module"
printf 'module: %s\npriority: 1\n' "$softhsm" > "$folder/modules/softhsm.module"
mount --bind "$folder/modules" /usr/share/p11-kit/modules
module=$(first_of /usr/lib/*/p11-kit-proxy.so /usr/lib64/p11-kit-proxy.so)
# The second of the two: what goes by the label, or by the first slot, takes the wrong one.
token=$(uri "$softhsm" BANK)
"$@" --module "$module" --token "$token" --pin-file "$folder/pin"
