# What the scripts beside this share. Each brings one implementation up in an empty folder, runs a command on its token, and
# takes everything down again:
#
#     hardware-tests/tokens/softhsm.sh FOLDER target/debug/usbtoken list
#
# The command is given --module, --token and --pin-file behind its own words; `cargo xtask tokens` gives it the promises.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
shift
pin=123456
so_pin=87654321
printf '%s\n' "$pin" > "$folder/pin"

# What runs beside the command ends with it.
beside=""
trap 'for one in $beside; do kill "$one" 2> /dev/null || true; done' EXIT

# The first of these files that is there.
first_of() {
    for file in "$@"; do
        if [ -e "$file" ]; then
            echo "$file"
            return
        fi
    done
    echo "none of these is installed: $*" >&2
    exit 1
}

# initialise MODULE LABEL [WORDS FOR pkcs11-tool]: an empty token with the PIN.
initialise() {
    module=$1
    label=$2
    shift 2
    pkcs11-tool --module "$module" --init-token --label "$label" --so-pin "$so_pin" "$@" > "$folder/initialised" 2>&1
    pkcs11-tool --module "$module" --token-label "$label" --login --login-type so --so-pin "$so_pin" --init-pin \
        --new-pin "$pin" >> "$folder/initialised" 2>&1
}

# uri MODULE LABEL: with the serial number and the manufacturer, as the token has them.
uri() {
    pkcs11-tool --module "$1" --list-slots 2> /dev/null | awk -v label="$2" '
        function value(line) { sub(/^[^:]*: */, "", line); sub(/ +$/, "", line); gsub(/ /, "%20", line); return line }
        /token label/ { here = (value($0) == label) }
        here && /token manufacturer/ { manufacturer = value($0) }
        here && /serial num/ { printf "pkcs11:token=%s;manufacturer=%s;serial=%s\n", label, manufacturer, value($0); exit }'
}

# use MODULE LABEL COMMAND …: runs the command on this token.
use() {
    module=$1
    label=$(printf '%s' "$2" | sed 's/ /%20/g')
    shift 2
    "$@" --module "$module" --token "$(uri "$module" "$label")" --pin-file "$folder/pin"
}
