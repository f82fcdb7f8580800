-- Time limits and connection limit of the web role. Run once, on the leader. The role has the settings because a session's
-- own are lost behind PgBouncer. The web processes also have DATABASE_STATEMENT_TIMEOUT_MS=2500: only their limit, half a
-- second later, ends a COMMIT that waits for a standby. With 1.5 s for a connection and 0.3 s to cancel the statement, a
-- 503 is sent within five seconds.
ALTER ROLE :"web_role" SET statement_timeout = '2500ms';
ALTER ROLE :"web_role" SET idle_in_transaction_session_timeout = '20s';
-- 20 of 120 connections always remain for the owner, a backup and people.
ALTER ROLE :"web_role" CONNECTION LIMIT 100;
