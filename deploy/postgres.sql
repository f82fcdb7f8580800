-- Create the web role and the extensions. Run once as a superuser, after creating the owner's role and its database:
--   psql --set owner=revival --set web=revival_web --set password=… --file deploy/postgres.sql revival
-- Two roles: the owner migrates and owns the tables; the web role serves pages and sends mail. It gets its rights after
-- each migration from `manage.py grant_web_role`, run as the owner.

CREATE ROLE :"web" LOGIN PASSWORD :'password';

-- Keep patients' data out of the server's log: a failing statement, its DETAIL line and its parameters
-- hold names. `manage.py check --deploy --database default` reads these back.
ALTER ROLE :"owner" SET log_min_error_statement = 'panic';
ALTER ROLE :"owner" SET log_error_verbosity = 'terse';
ALTER ROLE :"owner" SET log_parameter_max_length_on_error = 0;
ALTER ROLE :"web" SET log_min_error_statement = 'panic';
ALTER ROLE :"web" SET log_error_verbosity = 'terse';
ALTER ROLE :"web" SET log_parameter_max_length_on_error = 0;

-- Trusted extensions in PostgreSQL 13 and later, but the owner may lack CREATE on the database.
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
