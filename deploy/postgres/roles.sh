#!/bin/sh
# Makes the run-time role. The portal reads and writes as this role; what it may
# touch is granted by `tandem migrate`: journal, postings and terms can be read
# and added to, never changed.
#
# In the container of PostgreSQL this runs once, when the data is made. By hand:
#   APP_PASSWORD=… POSTGRES_USER=tandem_owner POSTGRES_DB=tandem sh deploy/postgres/roles.sh
set -eu
: "${APP_PASSWORD:?is missing}"
psql --set ON_ERROR_STOP=1 --set password="$APP_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE tandem_app LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO tandem_app;
SQL
