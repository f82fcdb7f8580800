"""Deliver one message of the booking half, unless something that happened since made it stale."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from booking.models import (
    REMINDERS,
    TO_STAFF,
    AffectedVisit,
    Appointment,
    Clinic,
    Delivery,
    Kind,
    Message,
    Offer,
    OutageContact,
    State,
    WaitlistEntry,
)
from revival.base.mail import deliver, try_once

from .compose import compose

BESIDE_THE_CHAIN = (*TO_STAFF, Kind.LOST_LINK)
NEVER_STALE = (Kind.STAFF_NOTICE, Kind.LOST_LINK, Kind.CANCELLED, Kind.SERIES_CANCELLED)


def deliver_message(*, message_id: int) -> None:
    """Send one message over the mail server and write down what became of it; see `deliver`."""
    about = ("appointment__therapist", "appointment__service", "offer__entry", "entry", "outage_contact")
    deliver(Message.objects.select_related(*about), message_id, _hand_over)


def _hand_over(message: Message) -> bool:
    if _is_overtaken(message, timezone.now()):
        message.delivery = Delivery.OVERTAKEN
        return True
    return try_once(message, lambda: compose(message))


def _is_overtaken(message: Message, now: datetime) -> bool:
    """Whether what happened since makes this message stale."""
    if message.offer is not None:
        is_open = message.offer.is_open(now) and not Offer.objects.over(now).filter(pk=message.offer.pk).exists()
        return (
            not is_open
            or Clinic.objects.current().is_quiet_at(now)
            or message.offer.entry.state != WaitlistEntry.State.WAITING
        )
    if message.entry is not None:
        return message.entry.state != WaitlistEntry.State.WAITING
    if message.outage_contact is not None:
        return _is_settled(message.outage_contact, Kind(message.kind), now)
    visit = message.appointment
    if visit is None or message.kind in NEVER_STALE:
        return False
    if message.kind == Kind.SERIES:  # it tells how the series stands, so only an end of all of it is in the way
        return not message.visits.coming(now).exists()
    if message.kind == Kind.STAFF_REMINDER:
        return visit.state != State.REQUESTED
    about_it = Message.objects.filter(Q(appointment=visit) | Q(visits=visit), pk__gt=message.pk)
    later = about_it.exclude(kind__in=BESIDE_THE_CHAIN)
    if message.kind in REMINDERS:
        return later.exists() or not _is_still_to_come(visit, message, now)
    return later.exclude(kind__in=list(REMINDERS)).exists()


def _is_still_to_come(visit: Appointment, message: Message, now: datetime) -> bool:
    is_same = visit.state == State.CONFIRMED and visit.starts_at == message.starts_at and visit.starts_at > now
    return is_same and visit.outage is None


def _is_settled(contact: OutageContact, kind: Kind, now: datetime) -> bool:
    """Whether there is nothing left to ask them, or to tell them, about an outage."""
    if kind == Kind.STANDS:
        return not contact.still_valid(now)
    return not contact.visits.filter(state=AffectedVisit.State.WAITING, until__gt=now).exists()
