#!/usr/bin/env bash
# Makes what compose.yaml needs and no repository holds: the master key, the database's password,
# and certificates to try it with. Run again, it changes nothing that is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077
mkdir -p secrets/tls

if [[ ! -e secrets/master-1.key ]]; then
    openssl rand -hex 32 >secrets/master-1.key
fi
if [[ ! -e secrets/database_password ]]; then
    openssl rand -hex 24 | tr -d '\n' >secrets/database_password
    printf 'DOORWARD_DATABASE_URL=postgres://doorward:%s@database/doorward\n' \
        "$(cat secrets/database_password)" >secrets/doorward.env
fi
for name in login store publisher; do
    host="$name.example.org"
    if [[ ! -e "secrets/tls/$host.pem" ]]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
            -subj "/CN=$host" -addext "subjectAltName=DNS:$host" \
            -keyout "secrets/tls/$host.key" -out "secrets/tls/$host.pem" 2>/dev/null
    fi
done
# The folder is closed to others; inside, the containers' users have to read what is mounted for them.
# (nginx reads its keys as root.)
chmod 700 secrets
chmod 755 secrets/tls
chmod 644 secrets/master-1.key secrets/database_password secrets/tls/*.pem
echo "secrets/ is ready; keep a copy of secrets/master-1.key"
