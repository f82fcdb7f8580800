#!/bin/sh
# Run by the postgres image when it makes its data folder: the web role, and what both roles may log.
set -eu
psql --set ON_ERROR_STOP=1 --set owner="$POSTGRES_USER" --set web="$WEB_ROLE" --set password="$WEB_PASSWORD" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file /etc/revival/postgres.sql
