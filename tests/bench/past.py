"""Visits of past years, written straight into the table: in a real clinic they came one at a time."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = 'booking_appointment' AND column_name <> 'id'
"""
PAST_VISITS = """
INSERT INTO booking_appointment ({columns}) SELECT {values}
FROM (
    SELECT * FROM booking_appointment WHERE state IN ('requested', 'confirmed') ORDER BY starts_at DESC LIMIT 1
) AS pattern, LATERAL (
    SELECT (%(therapists)s::bigint[])[n %% %(many)s + 1] AS therapist,
        %(until)s::timestamptz - (n / %(many)s + 1) * interval '40 minutes' AS start
    FROM generate_series(%(first)s, %(last)s) AS n
) AS visit
"""
VALUES = {
    "public_id": "gen_random_uuid()",
    "link_digest": "encode(sha256(gen_random_uuid()::text::bytea), 'hex')",
    "therapist_id": "therapist",
    "state": "'confirmed'",
    "starts_at": "start",
    "ends_at": "start + interval '30 minutes'",
    "blocked": "tstzrange(start, start + interval '40 minutes')",
    "submission_key": "gen_random_uuid()",
    "created_at": "start - interval '9 days'",
    "requested_at": "start - interval '9 days'",
    "confirmed_at": "start - interval '8 days'",
}
"""What a past visit does not have in common with a coming one."""


def add_past(
    cursor: Any, first: int, end: int, therapists: list[int], until: datetime, *, is_settled: bool = True
) -> float:
    """Past visits number `first` to `end`, back to back, the newest ending at `until`; the seconds it took.

    `cursor` is Django's or psycopg's, of the owner and outside a transaction; `therapists` are primary keys. Whoever
    writes in parts calls `settle` after the last.
    """
    cursor.execute(COLUMNS)
    columns = [name for (name,) in cursor.fetchall()]
    values = ", ".join(VALUES.get(column, f"pattern.{column}") for column in columns)
    given = {"therapists": therapists, "many": len(therapists), "until": until, "first": first, "last": end - 1}
    began = time.perf_counter()
    cursor.execute("SET session_replication_role = replica")  # no line in the change log for each of a million
    cursor.execute(PAST_VISITS.format(columns=", ".join(columns), values=values), given)
    cursor.execute("RESET session_replication_role")
    if is_settled:
        settle(cursor)
    return time.perf_counter() - began


def settle(cursor: Any) -> None:
    """No work in the background while we measure."""
    cursor.execute("VACUUM (ANALYZE)")
    cursor.execute("CHECKPOINT")
