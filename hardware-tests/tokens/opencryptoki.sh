#!/bin/sh
# openCryptoki's soft token. Its daemon, its folders and its shared memory are one for a machine, so it gets namespaces of its
# own, which takes root; what runs in them ends with this script.
if [ -z "${OWN_VIEW:-}" ]; then
    export OWN_VIEW=1
    exec unshare --mount --ipc --pid --fork --mount-proc --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/common.sh"
mkdir "$folder/lib" "$folder/log"
cp -a /var/lib/opencryptoki/. "$folder/lib"
rm -rf "$folder/lib/swtok" && mkdir -p "$folder/lib/swtok/TOK_OBJ"
mount --bind "$folder/lib" /var/lib/opencryptoki
mount -t tmpfs none /run
mkdir -p /run/lock/opencryptoki/swtok /var/log/opencryptoki
mount --bind "$folder/log" /var/log/opencryptoki
printf 'version opencryptoki-3.1\nslot 3\n{\nstdll = libpkcs11_sw.so\n}\n' > "$folder/opencryptoki.conf"
mount --bind "$folder/opencryptoki.conf" /etc/opencryptoki/opencryptoki.conf
"$(first_of /usr/sbin/pkcsslotd)"
sleep 2
module=$(first_of /usr/lib/*/opencryptoki/libopencryptoki.so.0 /usr/lib64/opencryptoki/libopencryptoki.so.0)
tool() {
    pkcs11-tool --module "$module" --slot 3 "$@" >> "$folder/initialised" 2>&1
}
tool --init-token --label OCK --so-pin "$so_pin"
# The PINs that are set first have to be changed.
tool --login --login-type so --so-pin "$so_pin" --change-pin --new-pin 76543210
tool --login --login-type so --so-pin 76543210 --init-pin --new-pin 111111
tool --login --pin 111111 --change-pin --new-pin "$pin"
use "$module" OCK "$@"
