"""What the web and worker processes may do in PostgreSQL, given by the role that owns the tables.

They read and write rows. They have no table, so they can neither alter one nor switch its triggers
off, and on the logs they can only read and add.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from psycopg import sql

LOGS = """
SELECT log.oid::regclass::text FROM pg_class AS log
JOIN pg_trigger AS guard ON guard.tgrelid = log.oid AND guard.tgname = 'only_grows' ORDER BY 1
"""
"""Tables of which rows are never changed: those that have this trigger."""

READ_ONLY = "django_migrations"

GIVE = """
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {role};
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE INSERT, UPDATE, DELETE ON {read_only} FROM {role};
REVOKE UPDATE, DELETE ON {logs} FROM {role};
GRANT EXECUTE ON FUNCTION booking_thin_logs(integer) TO {role};
"""

NEVER_IGNORE = """
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
LANGUAGE sql AS 'SELECT false'
"""
"""pgtrigger lets any session switch its triggers off by a setting, and so keep a change out of the log. Nothing
here needs that. Each new trigger brings the function back as it was, hence once more after each migration."""

IS_TOO_MIGHTY = """
SELECT rolsuper OR pg_has_role(oid, current_user, 'MEMBER') FROM pg_roles WHERE rolname = %s
"""


class UnfitRoleError(Exception):
    """There is no such role, or it can do more than it is to be given; the text says which."""


def logs(cursor: Any) -> list[str]:
    cursor.execute(LOGS)
    return [name for (name,) in cursor.fetchall()]


def grant(cursor: Any, role: str) -> None:
    """Give `role` what a web process needs and nothing more. The caller has a transaction, so that no
    right is missing meanwhile."""
    cursor.execute(IS_TOO_MIGHTY, [role])
    found = cursor.fetchone()
    if found is None:
        raise UnfitRoleError(f"PostgreSQL has no role {role}.")
    if found[0]:
        raise UnfitRoleError(f"{role} is a superuser, or may act as the tables' owner: choose another role.")
    names = sql.SQL(", ").join(sql.SQL(name) for name in logs(cursor))
    cursor.execute(NEVER_IGNORE)
    cursor.execute("SELECT current_database()")
    facts = {"role": role, "read_only": READ_ONLY, "database": cursor.fetchone()[0]}
    cursor.execute(sql.SQL(GIVE).format(logs=names, **{name: sql.Identifier(value) for name, value in facts.items()}))


def make_role(connection: Any, role: str, password: str) -> None:
    """A role that can sign in and owns nothing; for servers that are ours, such as the embedded one."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = sql.SQL("ALTER" if known else "CREATE")
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(password))
    )


def as_role(url: str, role: str, password: str) -> str:
    """The same database for another role."""
    where = urlsplit(url)
    server = where.netloc.rpartition("@")[2]
    return where._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{server}").geturl()
