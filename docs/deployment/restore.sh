#!/bin/sh
# Puts a copy made by backup.sh into an EMPTY database and VAR_DIR, then proves it: the journal is replayed.
set -eu
copy=${1:?usage: restore.sh COPY}
banque=${BANQUE:-/srv/banque/.venv/bin/banque}
pg_restore --exit-on-error --no-owner --dbname="$(printf %s "$DATABASE_URL" | sed 's/+psycopg//')" "$copy/database.dump"
if [ -f "$copy/files.tar.gz" ]; then
    tar --extract --gzip --file="$copy/files.tar.gz" --directory="$VAR_DIR"
fi
"$banque" migrate
"$banque" journal verify
