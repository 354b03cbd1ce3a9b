#!/bin/sh
# NSS's softokn through p11-kit-proxy, which hands the parameter string over.
# Root's p11-kit reads the system's folder of modules alone, so it gets a view of its own of that one: a mount namespace.
if [ -z "${OWN_VIEW:-}" ]; then
    export OWN_VIEW=1
    exec unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/common.sh"
mkdir "$folder/db" "$folder/modules"
certutil -N -d "sql:$folder/db" -f "$folder/pin"
{
    echo "module: $(first_of /usr/lib/*-linux-gnu/libsoftokn3.so /usr/lib/*-linux-gnu/nss/libsoftokn3.so /usr/lib64/libsoftokn3.so)"
    echo "x-init-reserved: configdir='sql:$folder/db' certPrefix='' keyPrefix='' secmod='secmod.db' flags="
} > "$folder/modules/nss.module"
mount --bind "$folder/modules" /usr/share/p11-kit/modules
use "$(first_of /usr/lib/*/p11-kit-proxy.so /usr/lib64/p11-kit-proxy.so)" "NSS Certificate DB" "$@"
