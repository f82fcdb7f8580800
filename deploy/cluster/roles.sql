-- Once, on the leader. Behind PgBouncer a session's own settings are lost: the role has them.
ALTER ROLE :"web_role" SET statement_timeout = '4s';
ALTER ROLE :"web_role" SET idle_in_transaction_session_timeout = '20s';
