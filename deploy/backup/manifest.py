"""Manifest of a backup: the contents of a database as checksums and definitions, and how two of them differ.

For each table the number of rows and a checksum; all columns, constraints, indexes, triggers, functions, extensions and
rights. Holds no data of any row.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

NEVER_COMPARED = {"procrastinate_workers"}
"""Tables of running workers: they change every ten seconds, and mean nothing after a restore."""

SEQUENCES = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = 'public'"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
# Sum over all rows of 64 bits of each row's SHA-256, so that the order of rows does not matter.
CHECKSUM = """
SELECT count(*), coalesce(sum(('x' || encode(substr(sha256(convert_to(whole::text, 'UTF8')), 1, 8), 'hex'))
    ::bit(64)::bigint::numeric), 0)::text FROM {} AS whole
"""
SHAPE = {
    "columns": """SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' '
        || coalesce(column_default, '') || coalesce(' ' || generation_expression, '')
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": """SELECT pg_get_triggerdef(oid) || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal""",
    "functions": """SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND prokind = 'f' AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')""",
    "extensions": "SELECT extname FROM pg_extension",
    "rights": """SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants
        WHERE table_schema = 'public' AND grantee = %(web)s""",
}


def contents(database: psycopg.Connection[Any], web_role: str) -> dict[str, Any]:
    """The manifest of a database, as of the caller's transaction, with the rights of `web_role`."""
    for setting in ("TimeZone = 'UTC'", "DateStyle = 'ISO'", "IntervalStyle = 'postgres'", "bytea_output = 'hex'"):
        database.execute(f"SET LOCAL {setting}")  # type: ignore[arg-type]
    database.execute("SET LOCAL search_path = public")
    tables = [name for (name,) in database.execute(TABLES) if name not in NEVER_COMPARED]
    rows = {name: list(first_row(database, sql.SQL(CHECKSUM).format(sql.Identifier(name)))) for name in tables}
    shape = {
        kind: sorted(canonical(text) for (text,) in database.execute(query, {"web": web_role}))  # type: ignore[arg-type]
        for kind, query in SHAPE.items()
    }
    return {"rows": rows, "sequences": dict(database.execute(SEQUENCES).fetchall()), **shape}


def canonical(text: str) -> str:
    """A definition without casts to text and parentheses, so that it compares equal after a restore.

    PostgreSQL writes some expressions differently once it has read its own dump: casts move from a list to its items,
    and `(a AND b) AND c` becomes `a AND b AND c`.
    """
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", text)


def first_row(database: psycopg.Connection[Any], query: Any) -> Any:  # columns as the query names them
    return database.execute(query).fetchone()


def differences(saved: dict[str, Any], present: dict[str, Any]) -> list[str]:
    """One line for each difference between the saved and the present manifest; empty when they are equal."""
    lines = []
    for table in sorted(saved["rows"].keys() | present["rows"].keys()):
        before, after = saved["rows"].get(table), present["rows"].get(table)
        if before != after:
            lines.append(f"rows of {table}: {before} saved, {after} found")
    for name, number in saved["sequences"].items():  # they go on during a snapshot, so only a smaller number is wrong
        if present["sequences"].get(name, -1) < number:
            lines.append(f"sequence {name}: {number} saved, {present['sequences'].get(name, 'none')} found")
    for kind in SHAPE:
        gone, new = set(saved[kind]) - set(present[kind]), set(present[kind]) - set(saved[kind])
        lines += [f"{kind}: gone {text}" for text in sorted(gone)] + [f"{kind}: new {text}" for text in sorted(new)]
    return lines
