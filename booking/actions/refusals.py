"""What an action may refuse, and the one table from database errors to refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from procrastinate.exceptions import ConnectorException

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3  # of a whole action that PostgreSQL chose as the victim of a deadlock


class RefusalError(Exception):
    """An action did not happen; nothing was written and nothing sent."""


class SlotTakenError(RefusalError):
    """Someone else has the time (409)."""


class NotOfferedError(RefusalError):
    """The time is not one that can be booked: off the grid, too soon, too far, closed (409)."""


class NotAllFreeError(RefusalError):
    """Of a series, these starts cannot be booked by now; so none was (409)."""

    def __init__(self, starts: Iterable[datetime]) -> None:
        super().__init__()
        self.starts = list(starts)


class SubmissionReusedError(RefusalError):
    """These details were sent before with other content (422)."""


class TooLateToChangeError(RefusalError):
    """The cut-off for cancelling or moving has passed; the patient has to phone (409)."""


class TooManyError(RefusalError):
    """More than we take online from one person or one network; every such refusal reads alike (429)."""


class StateChangedError(RefusalError):
    """The visit is no longer in a state in which this can be done (409)."""


class VisitsInTheWayError(RefusalError):
    """`visits` would fall outside working time, and whoever asked has not been shown all of them (409)."""

    def __init__(self, visits: list[Any]) -> None:
        super().__init__()
        self.visits = visits


class UnknownPersonError(RefusalError):
    """Nothing is kept of anyone with that e-mail address or telephone."""


class StillComingError(RefusalError):
    """A visit is still to come: it has to be cancelled before its person is erased."""


class NamesThePersonError(RefusalError):
    """The reason names the person, and the log keeps it for years: say it without."""


class AlreadyOutError(RefusalError):
    """A colleague has said already that this therapist is out then (409)."""


class AlternativesGoneError(SlotTakenError):
    """Times that were to be held for these visits have been taken meanwhile (409)."""

    def __init__(self, visits: list[Any]) -> None:
        super().__init__(len(visits))
        self.visits = visits


class OutageOpenError(RefusalError):
    """The absence belongs to an outage, whose patients were told: it ends on its board."""


class BusyError(RefusalError):
    """The database cannot answer now; the same thing will work in a moment (503)."""


class TryAgainError(Exception):
    """Run the whole action once more."""


_BY_SQLSTATE: dict[str, type[Exception]] = {
    "23P01": SlotTakenError,  # exclusion constraint
    "40P01": TryAgainError,  # deadlock victim
    "40001": TryAgainError,  # serialisation failure
    "55P03": BusyError,  # lock not available within lock_timeout
    "57014": BusyError,  # statement time-out
    "25006": BusyError,  # read-only transaction: a standby, or a disk that filled up
}
_BY_CLASS: dict[str, type[Exception]] = {"08": BusyError, "53": BusyError, "57": BusyError}
_BY_CONSTRAINT: dict[str, type[Exception]] = {
    "booking_appointment_submission_key_key": SubmissionReusedError,
    "booking_series_submission_key_key": SubmissionReusedError,
    "booking_absence_covers_its_outage": OutageOpenError,
}

LOST = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

WAIT_FOR_A_STANDBY = (
    "SELECT pg_logical_emit_message(true, 'revival', '') WHERE current_setting('synchronous_standby_names') <> ''"
)


def refusal_for(error: DatabaseError | InterfaceError | ConnectorException) -> type[Exception] | None:
    """What a database error means to the person who asked; None when it is a fault of ours.

    procrastinate's error while a job is queued has psycopg's behind it, as Django's has.
    """
    cause = error.__cause__
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is None:  # no connection, or none free in the pool in time
        return BusyError if isinstance(error, LOST) or isinstance(cause, LOST) else None
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    return _BY_SQLSTATE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2]) or _BY_CONSTRAINT.get(constraint or "")


def action(do: Callable[P, R]) -> Callable[P, R]:
    """Run `do` as a durable transaction of its own and turn database errors into refusals.

    A deadlock victim runs again from the start, at most three times in all.
    """

    @wraps(do)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES):
            try:
                with transaction.atomic(durable=True):
                    _limit_the_wait_for_locks()
                    done = do(*args, **kwargs)
                    wait_for_a_standby()
                    return done
            except TryAgainError:
                continue
            except (DatabaseError, InterfaceError, ConnectorException) as error:
                refusal = refusal_for(error)
                if refusal is None:
                    raise
                if refusal is not TryAgainError:
                    raise refusal from error
        raise BusyError

    return run


def demand_same(row: Any, facts: dict[str, Any]) -> None:
    """A form that comes again says the same. Raises SubmissionReusedError when it does not."""
    if any(getattr(row, name) != value for name, value in facts.items()):
        raise SubmissionReusedError


def _limit_the_wait_for_locks() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(settings.BOOKING_LOCK_TIMEOUT_MS)])


def wait_for_a_standby() -> None:
    """With synchronous standbys, let this COMMIT wait for one even if it wrote nothing: a form that comes again is
    told of a row whose own COMMIT may have been cut short (revival/database/replication.py)."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_A_STANDBY)
