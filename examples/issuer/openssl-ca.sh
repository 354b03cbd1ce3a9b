#!/bin/sh
# A helper for `usbtoken renew --issuer-helper`: a CA of `openssl ca` on this computer.
#
# OPENSSL_CA is its folder, with the configuration ca.cnf. Where a folder `approved` is in it, an operator approves
# each order first, by making a file in it that is named as the order. The contract is docs/issuer-helper.md.
set -u

ca=${OPENSSL_CA:-}
if [ ! -f "$ca/ca.cnf" ]; then
    echo "OPENSSL_CA does not name a folder with ca.cnf"
    exit 4
fi
case ${USBTOKEN_OPERATION:-} in
SUBMIT | POLL) ;;
*) exit 6 ;;
esac

# The same request is the same order: who asks twice gets the certificate that was issued, and no second one.
order=$(printf %s "$USBTOKEN_CSR" | openssl dgst -sha256 -r | cut -c 1-32)
issued=$ca/issued/$order.pem
if [ ! -f "$issued" ]; then
    if [ -d "$ca/approved" ] && [ ! -e "$ca/approved/$order" ]; then
        printf '3600\n%s\n' "$order"
        exit 5
    fi
    work=$(mktemp -d) || exit 3
    trap 'rm -rf "$work"' EXIT
    printf '%s\n' "$USBTOKEN_CSR" >"$work/request.pem"
    if ! openssl ca -batch -notext -config "$ca/ca.cnf" -in "$work/request.pem" -out "$work/new.pem" >&2; then
        echo "the CA refused the request"
        exit 2
    fi
    mkdir -p "$ca/issued" && mv "$work/new.pem" "$issued" || exit 3
fi
cat "$issued"
