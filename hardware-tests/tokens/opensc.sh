#!/bin/sh
# OpenSC over pcscd and the reader of the vsmartcard project, with a card in software in it. pcscd's socket is one for a machine,
# so it gets namespaces of its own, which takes root; what runs in them ends with this script.
if [ -z "${OWN_VIEW:-}" ]; then
    export OWN_VIEW=1
    exec unshare --mount --ipc --pid --fork --mount-proc --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/common.sh"
mount -t tmpfs none /run
# A port that is used, or was a moment ago, is refused; from 32768 on the system gives them to clients.
while
    port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
    cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | grep -q "$(printf ':%04X ' "$port")"
do :; done
printf 'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:%d\nLIBPATH %s\nCHANNELID %d\n' "$port" \
    "$(first_of /usr/lib/pcsc/drivers/serial/libifdvpcd.so /usr/lib64/pcsc/drivers/serial/libifdvpcd.so)" "$port" \
    > "$folder/reader.conf"
pcscd --foreground --config "$folder/reader.conf" > "$folder/pcscd" 2>&1 &
beside=$!
: > "$folder/apdus"
"${CARD:-$here/../../target/debug/card}" --port "$port" --pin-file "$folder/pin" --trace "$folder/apdus" &
beside="$! $beside"
export USBTOKEN_TEST_APDUS="$folder/apdus"
# A reader such as the one in a SmartCard-HSM's USB token takes extended APDUs. libccid tells OpenSC so, and this reader's driver tells
# nothing.
if [ -z "${OPENSC_CONF:-}" ]; then
    cat > "$folder/opensc.conf" << 'END'
app default {
    reader_driver pcsc {
        max_send_size = 65535;
        max_recv_size = 65536;
    }
}
END
    export OPENSC_CONF="$folder/opensc.conf"
fi
# What OpenSC keeps of a card between runs stays in this folder.
export XDG_CACHE_HOME="$folder/cache"
module=$(first_of /usr/lib/*/opensc-pkcs11.so /usr/lib64/pkcs11/opensc-pkcs11.so)
waited=0
until pkcs11-tool --module "$module" --list-slots 2> /dev/null | grep -q 'token label'; do
    [ "$((waited += 1))" -lt 40 ] || { echo "no card came up" >&2; head -n 20 "$folder/pcscd" >&2; exit 1; }
    sleep 0.25
done
use "$module" 'SmartCard-HSM (UserPIN)' "$@"
