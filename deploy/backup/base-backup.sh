#!/bin/sh
# A copy of the whole cluster and the log of writes since: from it and the archive comes any later moment
# (docs/operations.md, "Backups"). As the user that PostgreSQL runs as; both folders stay on encrypted disks.
#   deploy/backup/base-backup.sh FOLDER ARCHIVE [pg_basebackup's options, such as --host]
set -eu
folder=${1:?"usage: deploy/backup/base-backup.sh FOLDER ARCHIVE [options]"}
archive=${2:?"usage: deploy/backup/base-backup.sh FOLDER ARCHIVE [options]"}
shift 2
bin=${POSTGRES_BIN:+$POSTGRES_BIN/}
new=$folder/$(date -u +%Y%m%dT%H%M%SZ)
rm -rf "$folder"/.new
"${bin}pg_basebackup" --pgdata="$folder/.new" --checkpoint=fast --wal-method=stream --manifest-checksums=SHA256 "$@"
"${bin}pg_verifybackup" --exit-on-error --quiet "$folder/.new"
mv "$folder/.new" "$new"
# Keep the two newest, and the archive since the older one.
for old in $(ls -1d "$folder"/*Z | sort | head -n -2); do rm -rf "$old"; done
oldest=$(ls -1d "$folder"/*Z | sort | head -n 1)
first=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p' "$oldest/backup_label")
"${bin}pg_archivecleanup" "$archive" "$first"
echo "Copied to $new."
