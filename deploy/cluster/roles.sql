-- Once, on the leader. Behind PgBouncer a session's own settings are lost: the role has them. The web processes have
-- DATABASE_STATEMENT_TIMEOUT_MS=2500, too: a COMMIT's wait for a standby has no end but theirs, half a second later.
-- With 1.5 s for a connection and 0.3 s to tell the server, a 503 is there within five.
ALTER ROLE :"web_role" SET statement_timeout = '2500ms';
ALTER ROLE :"web_role" SET idle_in_transaction_session_timeout = '20s';
-- Whatever goes wrong, 20 of 120 stay for the owner, a backup and people.
ALTER ROLE :"web_role" CONNECTION LIMIT 100;
