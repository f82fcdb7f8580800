"""PostgreSQL rights of the web and worker processes, granted by the role that owns the tables.

They read and write rows. They own no table, so they can neither alter one nor switch its triggers off. The logs they
can only read: lines are written by functions that run as the owner and set the moment themselves.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import psycopg
from django.db.backends.utils import CursorWrapper
from psycopg import sql

LOG_TABLES = """
SELECT log.oid::regclass::text FROM pg_class AS log
JOIN pg_trigger AS guard ON guard.tgrelid = log.oid AND guard.tgname = 'only_grows' ORDER BY 1
"""
"""Tables whose rows are never changed: those with this trigger."""

READ_ONLY = "django_migrations"
ADMIN_LOG = "django_admin_log"
ADMIN_LOG_COLUMNS = (
    *("action_time", "user_id", "content_type_id"),
    *("object_id", "object_repr", "action_flag", "change_message"),
)
"""What Django's admin inserts into its log itself. A trigger sets `action_time`; without `id`, lines stay in order."""

GRANT_RIGHTS = """
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {role};
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE INSERT, UPDATE, DELETE ON {read_only} FROM {role};
REVOKE INSERT, UPDATE, DELETE ON {logs} FROM {role};
GRANT INSERT ({admin_log_columns}) ON {admin_log} TO {role};
GRANT EXECUTE ON FUNCTION booking_thin_logs(integer) TO {role};
GRANT EXECUTE ON FUNCTION booking_note_look(integer, text, text, text, bigint, text) TO {role};
"""

LOG_WRITERS = """
SELECT DISTINCT writer.oid::regprocedure::text, writer.prosecdef FROM pg_proc AS writer
JOIN pg_trigger AS call ON call.tgfoid = writer.oid
JOIN pg_trigger AS guard ON guard.tgname = 'only_grows'
JOIN pg_class AS log ON log.oid = guard.tgrelid AND strpos(writer.prosrc, format('INSERT INTO "%s"', log.relname)) > 0
ORDER BY 1
"""
"""Functions of triggers that write a line into a log, and whether each runs as its owner."""

RUN_AS_OWNER = """
ALTER FUNCTION {writer} SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
REVOKE ALL ON FUNCTION {writer} FROM PUBLIC;
"""

NEVER_IGNORE_TRIGGERS = """
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
LANGUAGE sql AS 'SELECT false'
"""
"""pgtrigger lets any session switch its triggers off by a setting, and so keep a change out of the log. Nothing
here needs that. Each new trigger brings the function back as it was, hence once more after each migration."""

IS_TOO_POWERFUL = """
SELECT rolsuper OR pg_has_role(oid, current_user, 'MEMBER') FROM pg_roles WHERE rolname = %s
"""


class UnfitRoleError(Exception):
    """The role does not exist, or has more rights than it should be given; the text says which."""


def log_tables(cursor: CursorWrapper) -> list[str]:
    """Names of the tables whose rows are only ever added."""
    cursor.execute(LOG_TABLES)
    return [name for (name,) in cursor.fetchall()]


def let_triggers_write_logs(cursor: CursorWrapper) -> None:
    """Have the triggers' functions run as the tables' owner, with a fixed search path.

    pgtrigger makes a function as that of whoever changes a row, hence once more after each migration. Whoever is not
    the owner cannot do this.
    """
    cursor.execute(LOG_WRITERS)
    for writer in [name for name, is_owners in cursor.fetchall() if not is_owners]:
        cursor.execute(RUN_AS_OWNER.format(writer=writer))


def grant(cursor: CursorWrapper, role: str) -> None:
    """Give `role` the rights a web process needs and no others. Raises UnfitRoleError.

    Call it in a transaction, so that no right is missing meanwhile.
    """
    cursor.execute(IS_TOO_POWERFUL, [role])
    row = cursor.fetchone()
    if row is None:
        raise UnfitRoleError(f"PostgreSQL has no role {role}.")
    if row[0]:
        raise UnfitRoleError(f"{role} is a superuser, or may act as the tables' owner: choose another role.")
    logs = sql.SQL(", ").join(sql.SQL(name) for name in log_tables(cursor))
    cursor.execute(NEVER_IGNORE_TRIGGERS)
    let_triggers_write_logs(cursor)
    cursor.execute("SELECT current_database()")
    names = {"role": role, "read_only": READ_ONLY, "admin_log": ADMIN_LOG, "database": cursor.fetchone()[0]}
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in ADMIN_LOG_COLUMNS)
    identifiers = {placeholder: sql.Identifier(name) for placeholder, name in names.items()}
    cursor.execute(sql.SQL(GRANT_RIGHTS).format(logs=logs, admin_log_columns=columns, **identifiers))


def make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    """Make a role that can sign in and owns nothing, or set its password; for servers we run ourselves."""
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = sql.SQL("ALTER" if exists else "CREATE")
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(password))
    )


def as_role(url: str, role: str, password: str) -> str:
    """The address of the same database for another role."""
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{server}").geturl()
