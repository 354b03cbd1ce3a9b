#!/bin/sh
# A helper for `usbtoken renew --issuer-helper`: a CA behind HTTPS that answers as EST does (RFC 7030 §4.2.3), with
# 200 and the certificate, or with 202 and Retry-After while it has not decided.
#
# CA_URL is its address; CA_FILE, where it is set, the certificate that its server is trusted by. The login goes to
# CA_URL/login, which answers with a session; the contract is docs/issuer-helper.md.
set -u

if [ -z "${CA_URL:-}" ]; then
    echo "CA_URL is not set"
    exit 4
fi
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT

# What is secret reaches curl on standard input: arguments can be read by every user of the computer.
ask() {
    { [ -z "${CA_FILE:-}" ] || printf 'cacert = "%s"\n' "$CA_FILE"; cat; } |
        curl --silent --show-error --proto =https --config - \
            --dump-header "$work/head" --output "$work/body" --write-out '%{http_code}' "$@"
}
quoted() { printf %s "$1" | sed 's/["\\]/\\&/g'; }

# Ends as the contract wants it for this HTTP status.
finish() {
    case $1 in
    200)
        cat "$work/body"
        exit 0
        ;;
    202)
        seconds=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9][0-9]*\).*/\1/p' "$work/head" | tail -n 1)
        printf '%s\n%s\n' "${seconds:-3600}" "${USBTOKEN_CA_COOKIE:-}"
        exit 5
        ;;
    5??)
        echo "the CA's server is not available: HTTP $1"
        exit 3
        ;;
    *)
        echo "the CA answers HTTP $1"
        exit 2
        ;;
    esac
}

case ${USBTOKEN_OPERATION:-} in
AUTHORISE)
    IFS= read -r id && IFS= read -r password || exit 4
    status=$(printf 'user = "%s:%s"\n' "$(quoted "$id")" "$(quoted "$password")" |
        ask --request POST "$CA_URL/login") || exit 3
    finish "$status"
    ;;
SUBMIT | POLL)
    printf %s "$USBTOKEN_CSR" >"$work/request.pem"
    status=$(printf 'header = "Authorization: Bearer %s"\n' "$(quoted "${USBTOKEN_CA_COOKIE:-}")" |
        ask --header 'Content-Type: application/x-pem-file' --data-binary @"$work/request.pem" "$CA_URL/renew") ||
        exit 3
    finish "$status"
    ;;
*) exit 6 ;;
esac
