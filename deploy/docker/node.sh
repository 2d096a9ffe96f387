#!/bin/sh
# What a container of Doorward runs. The master keys come in as secrets, which container engines make
# readable by others than their owner; Doorward takes them only from files that are its own.
set -eu
umask 077
mkdir -p keys
for key in /run/secrets/master-*.key; do
    [ ! -e "$key" ] || install -m 0600 "$key" "keys/${key##*/}"
done
exec doorward "$@"
