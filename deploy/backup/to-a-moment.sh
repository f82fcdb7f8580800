#!/bin/sh
# Make a data folder that, started, is the database as it was at a moment: from a copy of the cluster
# (base-backup.sh) and the archive. Never touches the running one. As the user that PostgreSQL runs as:
#   deploy/backup/to-a-moment.sh BASE ARCHIVE "2026-11-24 20:15:00 UTC" NEW_FOLDER
# Then: start PostgreSQL on NEW_FOLDER, look whether it is the moment that was meant, run `manage.py after_restore`,
# and only then start web and worker on it.
set -eu
usage='usage: deploy/backup/to-a-moment.sh BASE ARCHIVE "2026-11-24 20:15:00 UTC" NEW_FOLDER'
base=${1:?"$usage"} archive=${2:?"$usage"} moment=${3:?"$usage"} new=${4:?"$usage"}
if [ -e "$new" ]; then
    echo "$new exists. Nothing was changed: name a folder that is not there yet." >&2
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
echo "$new is ready to be started."
