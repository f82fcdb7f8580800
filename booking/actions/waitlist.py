"""The waiting list: join, leave, and the entries that end by themselves.

Locks are taken in one order everywhere: therapists, then the entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from booking.mail import queue
from booking.models import Appointment, Kind, Offer, State, WaitlistEntry
from booking.people.addresses import address_key
from revival.base.django_types import Passed

from . import free
from .advisory_locks import LockKind, lock_word
from .refusals import StateChangedError, TooManyError, action, demand_link, demand_same, demand_seen


@action
def join_waitlist(*, submission_key: uuid.UUID, **fields: Passed) -> WaitlistEntry:
    """Put someone on the list and send them the link by which they leave it.

    `fields` are the entry's own. Sending the same form again, or joining twice for one visit, is one
    entry. Raises SubmissionReusedError when the form came before with other content, TooManyError
    when this address waits often enough, ChangedMeanwhileError when the link of the visit was closed meanwhile.
    """
    visit = fields.get("visit")
    if visit is not None:
        demand_link(Appointment.objects.select_for_update(no_key=True).get(pk=visit.pk), visit)
        if already := WaitlistEntry.objects.waiting().filter(visit=visit).first():
            return already
    else:
        lock_address(fields["email"])
        theirs = WaitlistEntry.objects.waiting().filter(email_key=address_key(fields["email"]))
        if theirs.exclude(submission_key=submission_key).count() >= settings.BOOKING_COMING_VISITS:
            raise TooManyError
    new = WaitlistEntry(**fields)
    new.renew_link()
    link = {"public_id": new.public_id, "link_digest": new.link_digest}
    entry, is_new = WaitlistEntry.objects.get_or_create(submission_key=submission_key, defaults=fields | link)
    if is_new:
        queue.queue_message(Kind.JOINED, entry, is_proved=visit is not None and visit.has_proved_address)
    else:
        demand_same(entry, fields)
    return entry


@action
def leave_waitlist(*, entry: WaitlistEntry) -> WaitlistEntry:
    """They leave the list; an open offer goes to the next. Leaving twice is leaving once.

    It needs no version: a mail program leaves by itself (RFC 8058), and whoever is no longer on the list stays so.
    Raises ChangedMeanwhileError when the link was closed meanwhile.
    """
    now = timezone.now()
    present = lock_entry(entry, now=now)
    demand_link(present, entry)
    if present.state == WaitlistEntry.State.WAITING:
        _leave(present, now)
    return present


@action
def take_off_waitlist(*, entry: WaitlistEntry, seen: str) -> WaitlistEntry:
    """Staff take them off the list; an open offer goes to the next. Doing it twice is doing it once.

    Raises ChangedMeanwhileError, as when they have just taken an offer.
    """
    now = timezone.now()
    present = lock_entry(entry, now=now)
    if present.state != WaitlistEntry.State.LEFT:
        demand_seen(present, seen)
        _leave(present, now)
    return present


def _leave(entry: WaitlistEntry, now: datetime) -> None:
    end_entry(entry, WaitlistEntry.State.LEFT, now)
    for offer in entry.offers.open():
        close_offer(offer, Offer.State.DECLINED, now)


@action
def end_waiting(*, entry: WaitlistEntry) -> WaitlistEntry:
    """End an entry whose dates are over, or whose visit is. Raises StateChangedError."""
    now = timezone.now()
    present = lock_entry(entry, now=now)
    if present.state != WaitlistEntry.State.WAITING or present.offers.open().exists():
        raise StateChangedError
    end_entry(present, WaitlistEntry.State.ENDED, now)
    return present


# ---- shared with offers ---------------------------------------------------------------------


def lock_address(email: str) -> None:
    """A person may be on the list twice; what they are offered is decided one after the other."""
    lock_word(LockKind.ADDRESS, address_key(email))


def lock_entry(entry: WaitlistEntry, *, now: datetime, and_therapists: Iterable[int] = ()) -> WaitlistEntry:
    """The entry as it is now, its row locked after those of the therapists in its open offer."""
    offered = Offer.objects.open().filter(entry=entry).values_list("therapist", flat=True)
    free.lock_therapists({*offered, *and_therapists}, now=now)
    rows = WaitlistEntry.objects.select_for_update(of=("self",)).select_related(
        "service", "visit__therapist", "visit__service"
    )
    return rows.get(pk=entry.pk)


def end_entry(entry: WaitlistEntry, state: WaitlistEntry.State, now: datetime) -> None:
    entry.state, entry.ended_at = state, now
    entry.save()


def close_offer(offer: Offer, state: Offer.State, now: datetime) -> None:
    """End an offer and its hold; the freed time goes to the next who waits."""
    offer.state, offer.ended_at = state, now
    offer.save()
    end_hold(offer.hold, now)
    queue.queue_offers()


def end_hold(hold: Appointment | None, now: datetime) -> None:
    """Let go of the time that an offer holds, if it still does."""
    if hold is not None and hold.is_hold:
        hold.state, hold.ended_at = State.EXPIRED, now
        hold.save()
