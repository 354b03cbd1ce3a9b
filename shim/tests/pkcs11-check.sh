#!/bin/sh
# Runs PyPI's pkcs11-check over SoftHSM without the shim and through it, and fails unless every test has the same
# verdict on both sides.
#
#   shim/tests/pkcs11-check.sh WORK-FOLDER SHIM-MODULE [SOFTHSM-MODULE]
#
# With WHOLE=1 also all its tests, which takes long. Needs softhsm2-util and a Python of at least 3.12 (variable PYTHON,
# else python3), and PyPI for the first run.
set -eu

work=$(mkdir -p "$1" && cd "$1" && pwd)
shim=$(realpath "$2")
driver=${3:-/usr/lib/softhsm/libsofthsm2.so}
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' ||
    { echo "pkcs11-check needs Python 3.12 or later; PYTHON names one" >&2; exit 2; }
[ -x "$work/venv/bin/pkcs11-check" ] ||
    { "$python" -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet pkcs11-check==0.2.3; }
cases=$("$work/venv/bin/python" -c 'import pkcs11_check, pathlib; print(pathlib.Path(pkcs11_check.__file__).parent)')/testcases

# run SIDE NAME MODULE ARGUMENT...: one run on a fresh token.
run() {
    folder=$work/$1-$2
    module=$3
    shift 3
    rm -rf "$folder"
    mkdir -p "$folder/tokens"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$folder/tokens" \
        >"$folder/softhsm2.conf"
    export SOFTHSM2_CONF="$folder/softhsm2.conf"
    softhsm2-util --init-token --slot 0 --label CHECK --pin 1234 --so-pin 5678 >/dev/null
    # Its own exit status says whether the driver is good, which is not the question here.
    (cd "$folder" && "$work/venv/bin/pkcs11-check" test --module "$module" --pin 1234 --so-pin 5678 --slot 0 \
        --output json --output-file results.json "$@" >output.txt 2>&1) || true
}

unset USBTOKEN_SHIM_CONFIG USBTOKEN_SHIM_FAULT USBTOKEN_SHIM_DELAY_MS USBTOKEN_SHIM_DELAYS USBTOKEN_SHIM_PUBLIC || true
export USBTOKEN_SHIM_DRIVER="$driver" USBTOKEN_SHIM_TRACE="$work/trace.jsonl"
rm -f "$USBTOKEN_SHIM_TRACE"
for side in without through; do
    module=$driver
    [ $side = without ] || module=$shim
    run $side smoke "$module" --marker smoke
    run $side files "$module" "$cases/x509" "$cases/test_interface.py" "$cases/test_interface_negotiation.py" \
        "$cases/test_slot.py" "$cases/ckr/test_ckr_slot_token.py"
    [ -z "${WHOLE:-}" ] || run $side whole "$module"
done

[ -s "$USBTOKEN_SHIM_TRACE" ] || { echo "nothing went through the shim" >&2; exit 1; }
status=0
for name in smoke files ${WHOLE:+whole}; do
    "$work/venv/bin/python" "$here/same_verdicts.py" "$name" "$work/without-$name" "$work/through-$name" || status=1
done
exit $status
