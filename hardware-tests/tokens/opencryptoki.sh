#!/bin/sh
# openCryptoki's soft token. Its daemon and its folders are one for a machine, so it gets a view of its own of them: that takes
# root and a mount namespace.
if [ -z "${OWN_VIEW:-}" ]; then
    export OWN_VIEW=1
    exec unshare --mount --ipc --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/common.sh"
slotd=$(first_of /usr/sbin/pkcsslotd)
if pgrep -x pkcsslotd > /dev/null; then
    echo "pkcsslotd runs already, and there can be one" >&2
    exit 1
fi
for place in lib lock log; do
    mkdir -p "/var/$place/opencryptoki" "$folder/$place"
    [ "$place" = lib ] && cp -a /var/lib/opencryptoki/. "$folder/lib"
    mount --bind "$folder/$place" "/var/$place/opencryptoki"
done
rm -rf /var/lib/opencryptoki/swtok/* && mkdir -p /var/lib/opencryptoki/swtok/TOK_OBJ /var/lock/opencryptoki/swtok
printf 'version opencryptoki-3.1\nslot 3\n{\nstdll = libpkcs11_sw.so\n}\n' > "$folder/opencryptoki.conf"
mount --bind "$folder/opencryptoki.conf" /etc/opencryptoki/opencryptoki.conf
"$slotd"
beside=$(cat /var/run/pkcsslotd.pid)
sleep 1
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
