"""Limits on what one person, and one network a day, can do online. Every refusal reads alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from booking.models import Appointment, Counted, DailyCount
from booking.models.people import PersonDetails
from booking.people.names import name_key
from revival.base.clock import Span
from revival.base.refusals import BusyError

from .advisory_locks import LockKind, lock_word
from .refusals import TooManyError, refusal_for


@contextmanager
def counting_hold(*, network: str) -> Iterator[None]:
    """Count a new hold of this network while it is taken. Raises TooManyError at the day's limit of open ones.

    The count commits before the hold does, so concurrent requests are all counted. Whatever keeps the hold from
    being taken takes the count back.
    """
    with _counting(Counted.HOLD, network, settings.BOOKING_OPEN_HOLDS_A_DAY):
        yield


@contextmanager
def counting_booking(*, network: str) -> Iterator[None]:
    """Count a booking of this network while it is made. Raises TooManyError at the day's limit.

    Its hold is open no more, so that count goes down. A booking that is refused leaves both counts as they were.
    """
    with _counting(Counted.BOOKING, network, settings.BOOKING_BOOKINGS_A_DAY):
        yield
    _take_back(Counted.HOLD, network)


def count_ask(*, network: str) -> None:
    """Count a contact request, waiting-list entry or lost link of this network.

    Raises TooManyError at the day's limit.
    """
    _count(Counted.ASK, network, settings.BOOKING_ASKS_A_DAY)


def count_feedback(*, network: str) -> None:
    """Count an answer to "Was this clear?" of this network. Raises TooManyError at the day's limit."""
    _count(Counted.CLEAR, network, settings.BOOKING_ASKS_A_DAY)


@contextmanager
def _counting(kind: Counted, network: str, limit: int) -> Iterator[None]:
    _count(kind, network, limit)
    try:
        yield
    except BaseException:
        _take_back(kind, network)
        raise


def _count(kind: Counted, network: str, limit: int) -> None:
    try:
        is_below = DailyCount.objects.add(kind=kind, subject=network, day=timezone.now().date(), limit=limit)
    except (DatabaseError, InterfaceError) as error:
        raise (refusal_for(error) or BusyError) from error
    if not is_below:
        raise TooManyError


def _take_back(kind: Counted, network: str) -> None:
    # Without a database the count stays; it ends with the day, and the person must see what went wrong before it.
    with suppress(DatabaseError, InterfaceError):
        DailyCount.objects.take_back(kind=kind, subject=network, day=timezone.now().date())


def demand_few_visits(details: PersonDetails, *, span: Span, now: datetime) -> None:
    """Check a person's coming online visits. Raises TooManyError at their limit, or when one is at the same time.

    Exact also when one person sends several forms at once for several therapists: they wait for the lock on the name.
    """
    lock_word(LockKind.NAME, name_key(details.name))
    online, at_once = Appointment.objects.online_and_at_once(details, span=span, now=now)
    if online >= settings.BOOKING_COMING_VISITS or at_once:
        raise TooManyError


def demand_nowhere_else(visit: Appointment, *, span: Span) -> None:
    """Check that the patient has no other visit at the time a visit moves to. Raises TooManyError.

    It reads like every other limit, so that nobody learns of another's visit.
    """
    lock_word(LockKind.NAME, visit.name_key)
    if Appointment.objects.of_patient(visit).taking_place_in(span).exclude(pk=visit.pk).exists():
        raise TooManyError
