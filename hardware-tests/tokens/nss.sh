#!/bin/sh
# NSS's softokn as a plain module, with its parameter string.
. "$(dirname "$0")/common.sh"
mkdir "$folder/db"
certutil -N -d "sql:$folder/db" -f "$folder/pin"
cc -shared -fPIC -w -o "$folder/nss.so" "$here/parameters.c"
DRIVER=$(first_of /usr/lib/*-linux-gnu/libsoftokn3.so /usr/lib/*-linux-gnu/nss/libsoftokn3.so /usr/lib64/libsoftokn3.so)
PARAMETERS="configdir='sql:$folder/db' certPrefix='' keyPrefix='' secmod='secmod.db' flags="
export DRIVER PARAMETERS
use "$folder/nss.so" "NSS Certificate DB" "$@"
