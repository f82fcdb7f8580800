#!/bin/sh
# Create the web role and set what both roles may log. The postgres image runs this when it creates its data folder.
set -eu
psql --set ON_ERROR_STOP=1 --set owner="$POSTGRES_USER" --set web="$WEB_ROLE" --set password="$WEB_PASSWORD" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file /etc/revival/postgres.sql
