"""Refusals: database errors of an action as exceptions that can be explained to a person.

A refusal is named for what happened. Nothing was written and nothing sent. An action is one durable transaction.
Each app adds its own refusals in a `RefusalTable`; this module knows only those that any database can cause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from procrastinate.exceptions import ConnectorException

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3
"""How often a whole action runs at most when PostgreSQL aborts it as the victim of a deadlock."""


class RefusalError(Exception):
    """An action did not happen; nothing was written and nothing sent."""


class BusyError(RefusalError):
    """The database cannot answer now; the same thing will work in a moment (503)."""


class TryAgainError(Exception):
    """Run the whole action once more."""


DatabaseFault = DatabaseError | InterfaceError | ConnectorException

_BY_SQLSTATE: dict[str, type[Exception]] = {
    "40P01": TryAgainError,  # deadlock victim
    "40001": TryAgainError,  # serialization failure
    "55P03": BusyError,  # lock not available within lock_timeout
    "57014": BusyError,  # statement time-out
    "25006": BusyError,  # read-only transaction: a standby, or a disk that filled up
}
_BY_CLASS: dict[str, type[Exception]] = {"08": BusyError, "53": BusyError, "57": BusyError}
"""First two characters of the SQLSTATE: connection, resources, operator intervention (PostgreSQL, appendix A)."""

CONNECTION_ERRORS = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

WAIT_FOR_A_STANDBY = (
    "SELECT pg_logical_emit_message(true, 'revival', '') WHERE current_setting('synchronous_standby_names') <> ''"
)
BEGIN_ACTION = """SELECT set_config('lock_timeout', %s, true), CASE
    WHEN current_setting('synchronous_standby_names') <> '' AND NOT pg_is_in_recovery()
    THEN pg_logical_emit_message(true, 'revival', '')
END"""
"""Limits how long locks are waited for and makes COMMIT wait for a standby, in one statement. The latter may come at
any time before COMMIT. A standby, which cannot, refuses the first lock or write instead."""


@dataclass(frozen=True)
class RefusalTable:
    """Which refusal a database error means, by SQLSTATE and by the name of the constraint that was broken."""

    by_sqlstate: Mapping[str, type[Exception]] = field(default_factory=dict)
    by_constraint: Mapping[str, type[Exception]] = field(default_factory=dict)

    def refusal_for(self, error: DatabaseFault) -> type[Exception] | None:
        """The refusal to raise for a database error; None when the error is a fault in our own code.

        When queueing a job fails, procrastinate wraps psycopg's error, as Django does.
        """
        cause = error.__cause__
        sqlstate = getattr(cause, "sqlstate", None)
        if sqlstate is None:  # no connection, or none free in the pool in time
            is_lost = isinstance(error, CONNECTION_ERRORS) or isinstance(cause, CONNECTION_ERRORS)
            return BusyError if is_lost else None
        constraint = getattr(getattr(cause, "diag", None), "constraint_name", None) or ""
        by_sqlstate = {**_BY_SQLSTATE, **self.by_sqlstate}
        return by_sqlstate.get(sqlstate) or _BY_CLASS.get(sqlstate[:2]) or self.by_constraint.get(constraint)

    def action(self, do: Callable[P, R]) -> Callable[P, R]:
        """Decorator: run `do` as a durable transaction of its own and turn database errors into refusals.

        A deadlock victim runs again from the start, at most `TRIES` times in all; then BusyError.
        """

        @wraps(do)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            for _ in range(TRIES):
                try:
                    with transaction.atomic(durable=True):
                        _begin()
                        return do(*args, **kwargs)
                except TryAgainError:
                    continue
                except (DatabaseError, InterfaceError, ConnectorException) as error:
                    refusal = self.refusal_for(error)
                    if refusal is None:
                        raise
                    if refusal is not TryAgainError:
                        raise refusal from error
            raise BusyError

        return run


def _begin() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BEGIN_ACTION, [str(settings.BOOKING_LOCK_TIMEOUT_MS)])


def wait_for_a_standby() -> None:
    """With synchronous standbys, make this COMMIT wait for one even when the transaction wrote nothing.

    A form that is sent twice is answered with the row of the first request, whose COMMIT may have been cut short
    (revival/database/replication.py).
    """
    with connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_A_STANDBY)
