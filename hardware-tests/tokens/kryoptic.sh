#!/bin/sh
# Kryoptic; KRYOPTIC is its module, which `cargo xtask tokens` builds.
. "$(dirname "$0")/common.sh"
export KRYOPTIC_CONF="$folder/token.conf"
printf '[[slots]]\nslot = 1\ndbtype = "sqlite"\ndbargs = "%s"\n%s\n' "$folder/token.sql" "${KRYOPTIC_MECHANISMS:-}" \
    > "$KRYOPTIC_CONF"
initialise "$KRYOPTIC" KRYOPTIC
use "$KRYOPTIC" KRYOPTIC "$@"
