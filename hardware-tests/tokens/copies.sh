#!/bin/sh
# When a program that has the token open sees a certificate that another program has written: docs/tokens.md. By hand:
#
#     hardware-tests/tokens/softhsm.sh "$(mktemp -d)" hardware-tests/tokens/copies.sh
#
# KIND is the kind of key (rsa2048 for openCryptoki).
set -eu
module=$2
token=$4
pin=$6
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_STATE_HOME="$work/state"
cc -w -o "$work/watch" -I/usr/include/p11-kit-1 "$here/watch.c" -ldl
openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=CA' -keyout "$work/ca.key" -out "$work/ca.pem" 2> "$work/log"
cat > "$work/ca" <<END
cat > "$work/asked"
openssl x509 -req -in "$work/asked" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days \$1 2> "$work/log"
END
on_token() {
    "$here/../../target/debug/usbtoken" --lang en --trust-driver --module "$module" --token "$token" --pin-file "$pin" "$@"
}
on_token request --subject 'CN=copies' --key "${KIND:-p256}" --out "$work/request"
sh "$work/ca" 11 < "$work/request" > "$work/answer"
on_token install "$work/answer"
serial=$(printf '%s' "$token" | sed 's/.*serial=\([^;]*\).*/\1/')
mkfifo "$work/go"
"$work/watch" "$module" "$serial" < "$work/go" > "$work/seen" &
exec 9> "$work/go"
until grep -q before "$work/seen"; do sleep 0.1; done
on_token renew --issuer "sh $work/ca 365"
echo >&9
exec 9>&-
wait
cat "$work/seen"
