"""Refusals of booking actions, and the database errors that mean each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db.models import Model

from booking.models import Appointment, WhyNot, reading_clinic_once
from booking.models.links import PrivateLink
from booking.models.versions import Versioned
from revival.base.refusals import RefusalError, RefusalTable


class _TimeRefusedError(RefusalError):
    """A time that cannot be booked. `why` gives the causes for each therapist, where they are known."""

    def __init__(self, why: Iterable[WhyNot] = ()) -> None:
        super().__init__()
        self.why = list(why)


class SlotTakenError(_TimeRefusedError):
    """Someone else has the time (409)."""


class NotOfferedError(_TimeRefusedError):
    """The time is not one that can be booked: off the grid, too soon, too far, closed … (409)."""


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


class ChangedMeanwhileError(StateChangedError):
    """The row changed after the page was drawn: another state, time, therapist or service (409)."""


class VisitsInTheWayError(RefusalError):
    """`visits` would fall outside working time, and staff have not been shown all of them (409)."""

    def __init__(self, visits: list[Appointment]) -> None:
        super().__init__()
        self.visits = visits


class UnknownPersonError(RefusalError):
    """Nothing is kept of anyone with that e-mail address or phone."""


class StillComingError(RefusalError):
    """A visit is still to come: it has to be cancelled before its patient is erased."""


class NamesThePersonError(RefusalError):
    """The reason names the person, and the log keeps it for years: say it without."""


class AddressNeededError(RefusalError):
    """Someone on the waiting list would have no e-mail address, or someone who asked to be called no phone."""


class AlreadyOutError(RefusalError):
    """A colleague has already started an outage of this therapist then (409)."""


class AlternativesGoneError(SlotTakenError):
    """Times to be held for `visits` cannot be booked any more, or were chosen twice. `why` gives the causes."""

    def __init__(self, visits: list[Appointment], why: Iterable[WhyNot]) -> None:
        super().__init__(why)
        self.visits = visits


class OutageOpenError(RefusalError):
    """The absence belongs to an outage, of which patients were told: it is ended there."""


REFUSALS = RefusalTable(
    by_sqlstate={"23P01": SlotTakenError},  # exclusion constraint
    by_constraint={
        "booking_appointment_submission_key_key": SubmissionReusedError,
        "booking_series_submission_key_key": SubmissionReusedError,
        "booking_absence_covers_its_outage": OutageOpenError,
    },
)
refusal_for = REFUSALS.refusal_for


P = ParamSpec("P")
R = TypeVar("R")


def action(do: Callable[P, R]) -> Callable[P, R]:
    """A booking action: `RefusalTable.action`, which reads the clinic at most once."""
    refusing = REFUSALS.action(do)

    @wraps(do)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with reading_clinic_once():
            return refusing(*args, **kwargs)

    return run


def demand_seen(row: Versioned, seen: str, *, done: str = "") -> None:
    """Check that a locked row still is what the person saw when they decided; `seen` is its version on their page.

    `done` is the state that the decision leads to: where nothing else has changed, the same press came twice, or a
    colleague decided alike. Raises StateChangedError then, and ChangedMeanwhileError for any other change.
    """
    if seen == row.version:
        return
    state, _, rest = row.version.partition(".")
    if seen and state == done and seen.partition(".")[2] == rest:
        raise StateChangedError
    raise ChangedMeanwhileError


def demand_link(row: PrivateLink, opened: PrivateLink) -> None:
    """Check that a locked row still has the link by which its patient opened it. Raises ChangedMeanwhileError.

    The address may have been corrected while they waited for the lock, and then it is a stranger who decides.
    """
    if row.link_version != opened.link_version:
        raise ChangedMeanwhileError


def demand_same(row: Model, fields: Mapping[str, object]) -> None:
    """Check that a form sent twice had the same content both times. Raises SubmissionReusedError when it had not."""
    if any(getattr(row, name) != value for name, value in fields.items()):
        raise SubmissionReusedError
