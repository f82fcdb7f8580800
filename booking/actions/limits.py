"""Limits on what one person, and one network a day, can do online. Every refusal reads alike."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from booking.models import Appointment, Counted, DailyCount
from revival.base.refusals import BusyError

from .advisory_locks import LockKind, lock_word
from .refusals import TooManyError, refusal_for


def count_hold(*, network: str) -> None:
    """Count a new hold of this network. Raises TooManyError past the day's limit of open ones.

    Commits before the booking starts, so concurrent requests are all counted.
    """
    _count(Counted.HOLD, network, settings.BOOKING_OPEN_HOLDS_A_DAY)


def count_booking(*, network: str) -> None:
    """Count a booking of this network; its hold is open no more. Raises TooManyError past the day's limit."""
    _count(Counted.BOOKING, network, settings.BOOKING_BOOKINGS_A_DAY)
    uncount_hold(network=network)


def count_ask(*, network: str) -> None:
    """Count a contact request, waiting-list entry or lost link of this network.

    Raises TooManyError past the day's limit.
    """
    _count(Counted.ASK, network, settings.BOOKING_ASKS_A_DAY)


def count_feedback(*, network: str) -> None:
    """Count an answer to "Was this clear?" of this network. Raises TooManyError past the day's limit."""
    _count(Counted.CLEAR, network, settings.BOOKING_ASKS_A_DAY)


def uncount_hold(*, network: str) -> None:
    """Take back the count of a hold of this network that is open no more, or was refused."""
    DailyCount.objects.add(kind=Counted.HOLD, network=network, day=timezone.now().date(), by=-1)


def uncount_booking(*, network: str) -> None:
    """Take back the count of a booking that was refused: its hold is as open as before."""
    DailyCount.objects.add(kind=Counted.BOOKING, network=network, day=timezone.now().date(), by=-1)
    DailyCount.objects.add(kind=Counted.HOLD, network=network, day=timezone.now().date())


def _count(kind: Counted, network: str, limit: int) -> None:
    try:
        count = DailyCount.objects.add(kind=kind, network=network, day=timezone.now().date())
    except (DatabaseError, InterfaceError) as error:
        raise (refusal_for(error) or BusyError) from error
    if count > limit:
        raise TooManyError


def demand_few_visits(*, name: str, email: str, phone: str, now: datetime) -> None:
    """Check a person's number of coming online visits. Raises TooManyError when it is at the limit.

    Exact also when one person sends several forms at once for several therapists: they wait for the lock on the name.
    """
    lock_word(LockKind.NAME, name)
    theirs = Appointment.objects.coming(now).of_person(name=name, email=email, phone=phone)
    if theirs.count() >= settings.BOOKING_COMING_VISITS:
        raise TooManyError
