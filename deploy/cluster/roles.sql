-- Once, on the leader. Behind PgBouncer a session's own settings are lost: the role has them. The web processes have
-- DATABASE_STATEMENT_TIMEOUT_MS=3500, too: a COMMIT's wait for a standby has no end but theirs, half a second later.
ALTER ROLE :"web_role" SET statement_timeout = '3500ms';
ALTER ROLE :"web_role" SET idle_in_transaction_session_timeout = '20s';
