"""Rows of the test database, kept as PostgreSQL's own text and put in at once: no trigger runs, no key is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import date
from typing import Generic, TypeVar

import psycopg
from django.db import connection
from django.utils import timezone
from psycopg import sql

T = TypeVar("T")

COUNTER = "articles_siterevision"
"""A number that triggers raise with each change of content; it may stay as it is."""
Rows = dict[str, list[bytes]]
"""Lines of COPY by table."""


def rows_of_all_tables() -> Rows:
    with _replaying() as cursor:
        return {table: _copy_out(cursor, table) for table in _tables_with_rows(cursor)}


def put_in(rows: Rows) -> None:
    with _replaying() as cursor:
        _copy_in(cursor, rows)


def put_back(rows: Rows) -> None:
    """Make all tables hold these rows and no others."""
    with _replaying() as cursor:
        for table in _tables_with_rows(cursor):
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        _copy_in(cursor, rows)


class MadeOnce(Generic[T]):
    """What a builder makes, whose rows are put in as text for each test after the first of a process and day.

    The builder depends on no row but those of migrations.
    """

    def __init__(self, build: Callable[[], T]) -> None:
        self.build, self.made_on = build, date.min

    def put_in(self) -> T:
        if self.made_on == timezone.localdate():  # the days of its rows are counted from then
            put_in(self.rows)
        else:
            before, self.made_on = rows_of_all_tables(), timezone.localdate()
            self.made = self.build()
            self.rows = added(before, rows_of_all_tables())
        return deepcopy(self.made)


def added(before: Rows, after: Rows) -> Rows:
    """The rows that came; none may have changed or gone."""
    new = {}
    for table in after.keys() - {COUNTER}:
        old = set(before.get(table, []))
        assert old <= set(after[table]), table
        new[table] = [line for line in after[table] if line not in old]
    return {table: lines for table, lines in new.items() if lines}


@contextmanager
def _replaying() -> Iterator[psycopg.Cursor]:
    """As a replica takes up rows; only a superuser may, which is what tests are in a server of their own."""
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield cursor
        cursor.execute("RESET session_replication_role")


def _tables_with_rows(cursor: psycopg.Cursor) -> list[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    tables = [name for (name,) in cursor.fetchall()]
    has_rows = sql.SQL(", ").join(sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(table)) for table in tables)
    (found,) = cursor.execute(sql.SQL("SELECT ARRAY[{}]").format(has_rows)).fetchall()[0]
    return [table for table, is_filled in zip(tables, found, strict=True) if is_filled]


def _copy_out(cursor: psycopg.Cursor, table: str) -> list[bytes]:
    with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy).splitlines(keepends=True)


def _copy_in(cursor: psycopg.Cursor, rows: Rows) -> None:
    for table, lines in rows.items():
        with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
            copy.write(b"".join(lines))
