#!/bin/sh
# Run by the postgres image when it makes its data folder: the web role's settings.
set -eu
psql --set ON_ERROR_STOP=1 --set role="$POSTGRES_USER" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --file /etc/revival/postgres.sql
