-- Run once as a superuser, after creating the role and the database:
--   psql --set role=revival --file deploy/postgres.sql revival
-- Patients stay out of the server's log: a failing statement, its DETAIL line and its parameters
-- hold names. `manage.py check --deploy --database default` reads these back.

ALTER ROLE :"role" SET log_min_error_statement = 'panic';
ALTER ROLE :"role" SET log_error_verbosity = 'terse';
ALTER ROLE :"role" SET log_parameter_max_length_on_error = 0;

-- A trusted extension in PostgreSQL 13 and later, but the role may lack CREATE on the database.
CREATE EXTENSION IF NOT EXISTS btree_gist;
