#!/bin/sh
# Point-in-time recovery: make a new data folder with the database as it was at a moment, from a base backup
# (base-backup.sh) and the archive. Never touches the running server. Run as the user that PostgreSQL runs as:
#   deploy/backup/to-a-moment.sh BASE ARCHIVE "2026-11-24 20:15:00 UTC" NEW_FOLDER
# Then start PostgreSQL on NEW_FOLDER, check that it is the right moment, run `manage.py after_restore`, and only then
# start web server and worker.
set -eu
usage='usage: deploy/backup/to-a-moment.sh BASE ARCHIVE "2026-11-24 20:15:00 UTC" NEW_FOLDER'
base=${1:?"$usage"} archive=${2:?"$usage"} moment=${3:?"$usage"} new=${4:?"$usage"}
if [ -e "$new" ]; then
    echo "$new exists already. Nothing was changed; choose a folder that does not exist." >&2
    exit 1
fi
cp -a "$base" "$new"
chmod 700 "$new"
cat >> "$new/postgresql.auto.conf" <<CONF
restore_command = 'cp "$archive/%f" "%p"'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
archive_mode = off
CONF
touch "$new/recovery.signal"
echo "$new is ready; start PostgreSQL on it."
