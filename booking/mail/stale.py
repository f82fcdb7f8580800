"""Rules that say whether a queued message is stale; `KINDS` chooses the rule for each kind.

A rule gets the message, the later messages about the same visit (of the kinds that overtake), and the present time.
"""

from __future__ import annotations

from datetime import datetime

from booking.models import (
    REMINDERS,
    AffectedVisit,
    Appointment,
    Clinic,
    EmailChange,
    Message,
    Offer,
    State,
    WaitlistEntry,
)
from booking.models.messages import MessageQuerySet


def never_stale(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    return False


def is_overtaken(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    """A later message says more about the visit; a reminder does not."""
    return later.exclude(kind__in=list(REMINDERS)).exists()


def is_reminder_stale(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    visit = message.appointment
    return visit is None or later.exists() or not _is_still_to_come(visit, message, now)


def _is_still_to_come(visit: Appointment, message: Message, now: datetime) -> bool:
    is_same = visit.state == State.CONFIRMED and visit.starts_at == message.starts_at and visit.starts_at > now
    return is_same and visit.outage is None


def is_request_over(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    """Whether the request was answered, or its visit has begun unanswered."""
    visit = message.appointment
    return visit is None or visit.state != State.REQUESTED or visit.starts_at <= now


def is_email_change_over(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    """Whether the new address was confirmed or dropped, or is too old to be confirmed."""
    return not EmailChange.objects.open(now).filter(visit=message.appointment).exists()


def is_series_over(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    """No visit of the series is still to come. Later messages do not matter: the mail shows the visits as they are."""
    return not message.visits.coming(now).exists()


def has_stopped_waiting(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    return message.entry is None or message.entry.state != WaitlistEntry.State.WAITING


def is_offer_over(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    """Nobody can take the offer any more, or it would arrive in the quiet hours."""
    offer = message.offer
    return (
        offer is None
        or not offer.is_open(now)
        or Offer.objects.over(now).filter(pk=offer.pk).exists()
        or Clinic.objects.current().is_quiet_at(now)
        or offer.entry.state != WaitlistEntry.State.WAITING
    )


def is_outage_answered(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    """No visit of the patient waits for an answer."""
    contact = message.outage_contact
    return contact is None or not contact.visits.filter(state=AffectedVisit.State.WAITING, until__gt=now).exists()


def has_no_standing_visit(message: Message, later: MessageQuerySet, now: datetime) -> bool:
    return message.outage_contact is None or not message.outage_contact.still_valid(now)
