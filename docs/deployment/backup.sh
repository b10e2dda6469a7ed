#!/bin/sh
# One copy of the bank: the database first, then the stored files. A file is stored before a row speaks of it
# and never changed, so that the files taken second hold all that the database names.
# Neither key is in it: without DATA_KEY the copy cannot be read. Keep that elsewhere.
set -eu
umask 077
folder=${1:?usage: backup.sh FOLDER}
copy=$folder/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$copy.part"
# libpq does not know the name of the driver.
pg_dump --format=custom --no-owner --file="$copy.part/database.dump" --dbname="$(printf %s "$DATABASE_URL" | sed 's/+psycopg//')"
if [ -d "$VAR_DIR/files" ]; then
    tar --create --gzip --file="$copy.part/files.tar.gz" --directory="$VAR_DIR" files
fi
mv "$copy.part" "$copy"
# Thirty copies are kept.
ls -1d "$folder"/2*Z | head -n -30 | xargs -r rm -r
echo "$copy"
