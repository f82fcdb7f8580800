"""Advisory locks, for things that have no row to lock."""

from __future__ import annotations

from enum import IntEnum

from django.db import connection


class LockKind(IntEnum):
    """What a word names, so that a name and an address that read alike do not wait for each other."""

    NAME = 0
    ADDRESS = 1
    HOLD = 2


def lock_word(kind: LockKind, word: str) -> None:
    """Lock a word in its normal form until the end of this transaction; others that lock it wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [word, kind.value])
