"""Who has to come one after another, although no row of theirs exists that could be locked."""

from __future__ import annotations

from enum import IntEnum

from django.db import connection


class Turn(IntEnum):
    """Of what kind a word is, so that a name and an address that read alike do not wait for each other."""

    NAME = 0
    ADDRESS = 1
    HOLD = 2


def await_turn(kind: Turn, word: str) -> None:
    """Wait for all others in a transaction with the same word; they wait for the end of this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [word.casefold(), kind.value])
