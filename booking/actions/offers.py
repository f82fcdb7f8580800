"""Offers: a freed time goes to one person on the waiting list, held for two hours, then to the next.

An offer holds its time by an appointment in state held, so the constraint that keeps visits apart keeps
offers apart.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from booking.mail import queue
from booking.models import (
    Appointment,
    Audience,
    Clinic,
    Delivery,
    FreedTime,
    HeldFor,
    Kind,
    Offer,
    State,
    Terms,
    Therapist,
    WaitlistEntry,
    free_times,
)
from booking.models.free import OFFER_ENDS_BEFORE
from revival.base.clock import Span

from . import book, free, limits, visits
from .refusals import StateChangedError, TooLateToChangeError, action, demand_link, demand_seen
from .waitlist import close_offer, end_entry, end_hold, lock_address, lock_entry


def offer_length() -> timedelta:
    return timedelta(minutes=settings.BOOKING_OFFER_MINUTES)


# ---- make an offer --------------------------------------------------------------------------


@action
def offer_freed_time(*, freed: FreedTime) -> list[Offer]:
    """Offer this time to those who wait, first come first, as long as any of it is free.

    Each person has at most one open offer, and never sees the same slot twice. None at night.
    """
    now, clinic = timezone.now(), Clinic.objects.current()
    zone = clinic.zone
    if clinic.is_quiet_at(now) or not FreedTime.objects.filter(pk=freed.pk).exists():
        return []
    free.lock_therapists([freed.therapist_id], now=now)
    therapist = Therapist.objects.get(pk=freed.therapist_id)
    first, last = freed.starts_at.astimezone(zone).date(), freed.ends_at.astimezone(zone).date()
    waiting = WaitlistEntry.objects.who_can_come(therapist, first=first, last=last).without_open_offer()
    # Skips entries of people who are leaving or answering right now; they are tried again within a minute.
    rows = waiting.select_related("service", "visit__service").order_by("created_at", "pk")
    offers: list[Offer] = []
    opened: dict[Terms, list[datetime]] = {}  # until an offer takes some of it
    for entry in rows.select_for_update(of=("self",), skip_locked=True):
        terms = _terms(entry)
        if terms not in opened:
            opened[terms] = _opened_starts(therapist, terms, freed.span, now, zone)
        wanted = [start for start in opened[terms] if entry.wants(start, zone, now=now)]
        if wanted and (offer := _offer_to(entry, therapist, terms, wanted, now)):
            offers.append(offer)
            opened.clear()
    return offers


def _terms(entry: WaitlistEntry) -> Terms:
    """An offer is a booking anew at short notice; a visit that would move there stays as long as it is."""
    if entry.visit is not None:
        return Terms.of_visit(entry.visit, Audience.OFFER)
    return Terms.anew(entry.service, Audience.OFFER)


def _opened_starts(therapist: Therapist, terms: Terms, freed: Span, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The starts that the freed time made possible, nearest to its begin first."""
    therapists = Therapist.objects.for_service(terms.service).among([therapist])
    # An earlier start may have become possible, too.
    first, last = (freed.start - terms.busy).astimezone(zone).date(), freed.end.astimezone(zone).date()
    free = free_times(terms, therapists, first=first, last=last, now=now, zone=zone)
    touching = [start for start in free[therapist] if terms.blocked_from(start).overlaps(freed)]
    return sorted(touching, key=lambda start: abs(start - freed.start))


def _offer_to(
    entry: WaitlistEntry, therapist: Therapist, terms: Terms, wanted: list[datetime], now: datetime
) -> Offer | None:
    """Offer the first wanted start that this person was not offered before, nor one that overlaps it."""
    if entry.visit is not None and not entry.visit.can_be_changed_online(now):
        return None
    lock_address(entry.recipient)
    theirs = Offer.objects.to_address(entry.recipient)
    if theirs.open().exists():
        return None
    seen = [Span(*times) for times in theirs.filter(therapist=therapist).values_list("starts_at", "ends_at")]
    fresh = (start for start in wanted if not any(terms.blocked_from(start).overlaps(span) for span in seen))
    start = next(fresh, None)
    return _make_offer(entry, therapist, terms, start, now) if start is not None else None


def _make_offer(entry: WaitlistEntry, therapist: Therapist, terms: Terms, start: datetime, now: datetime) -> Offer:
    until = min(now + offer_length(), start - OFFER_ENDS_BEFORE)
    hold = Appointment()
    hold.hold_at(
        therapist=therapist,
        service=terms.service,
        starts_at=start,
        length=terms.length,
        turnaround=terms.turnaround,
        until=until,
        held_for=HeldFor.OFFER,
    )
    hold.save()
    offer = Offer.objects.create(
        entry=entry,
        therapist=therapist,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        hold=hold,
        until=until,
    )
    queue.queue_message(Kind.OFFER, offer)
    return offer


# ---- no, or no answer -----------------------------------------------------------------------


@action
def expire_offer(*, offer: Offer) -> Offer:
    """End an offer that nobody answered in time, or can take any more: the slot goes on. Raises StateChangedError.

    An offer that came too late in the evening to be mailed is taken back whole, so that the person
    can be asked again.
    """
    now = timezone.now()
    lock_entry(offer.entry, now=now)
    present = Offer.objects.over(now).select_for_update(of=("self",)).select_related("hold").filter(pk=offer.pk).first()
    if present is None:
        raise StateChangedError
    messages = list(present.messages.select_for_update(skip_locked=True))
    if not messages:  # a worker is handing it over this very moment: wait for what becomes of it
        raise StateChangedError
    if all(message.delivery == Delivery.OVERTAKEN and not message.attempts for message in messages):
        end_hold(present.hold, now)
        present.delete()
        return present
    close_offer(present, Offer.State.EXPIRED, now)
    return present


@action
def decline_offer(*, offer: Offer, seen: str) -> Offer:
    """Not this time, but stay on the list. The slot goes to the next. Declining twice is declining once."""
    now = timezone.now()
    entry = lock_entry(offer.entry, now=now)
    demand_link(entry, offer.entry)
    present = _lock_offer(offer, entry)
    if present.state == Offer.State.DECLINED:
        return present
    demand_seen(present, seen)
    if present.state == Offer.State.OPEN:
        close_offer(present, Offer.State.DECLINED, now)
    return present


def _lock_offer(offer: Offer, entry: WaitlistEntry) -> Offer:
    """The offer as it is now. The caller has locked its entry."""
    present = Offer.objects.select_for_update(of=("self",)).select_related("hold", "therapist").get(pk=offer.pk)
    present.entry = entry
    return present


# ---- yes ------------------------------------------------------------------------------------


@action
def accept_offer(*, offer: Offer, seen: str) -> Appointment:
    """Take an offered time: a new visit, or the one they have moved there.

    An offer that ran out is still good while its time is free. Accepting twice is accepting once.
    Raises SlotTakenError, NotOfferedError, TooManyError, TooLateToChangeError for a visit that is near
    by now, or StateChangedError when it was declined or they left the list.
    """
    now = timezone.now()
    therapists = {offer.therapist_id} | ({offer.entry.visit.therapist_id} if offer.entry.visit else set())
    entry = lock_entry(offer.entry, now=now, and_therapists=therapists)
    demand_link(entry, offer.entry)
    present = _lock_offer(offer, entry)
    if present.state == Offer.State.TAKEN and present.hold is not None:
        return present.hold
    demand_seen(present, seen)
    if entry.state != WaitlistEntry.State.WAITING or present.state == Offer.State.DECLINED:
        raise StateChangedError
    visit = _move_there(entry.visit, entry, present, now) if entry.visit else _book_there(entry, present, now)
    present.state, present.ended_at, present.hold = Offer.State.TAKEN, now, visit
    present.save()
    end_entry(entry, WaitlistEntry.State.BOOKED, now)
    for other in entry.offers.open().select_related("hold"):  # a newer one, when an older was taken
        close_offer(other, Offer.State.DECLINED, now)
    return visit


def _book_there(entry: WaitlistEntry, offer: Offer, now: datetime) -> Appointment:
    hold = offer.hold if offer.hold is not None and offer.hold.is_hold else Appointment()
    _demand_free(entry, offer, hold, now)
    details = book.Details(
        name=entry.name,
        email=entry.email,
        phone=entry.phone,
        is_new_patient=entry.is_new_patient,
        consent_version=entry.consent_version,
        came_from=entry.came_from,
    )
    limits.demand_few_visits(details, span=Span(offer.starts_at, offer.ends_at), now=now)
    hold.put_at(therapist=offer.therapist, service=entry.service, starts_at=offer.starts_at)
    hold.renew_link()
    hold.ended_at = None
    return book.settle(  # the offer was accepted by the link in an e-mail
        hold, details=details, submission_key=uuid.uuid4(), digest="", now=now, has_proved_address=True
    )


def _move_there(visit: Appointment, entry: WaitlistEntry, offer: Offer, now: datetime) -> Appointment:
    if not visit.is_coming:
        raise StateChangedError
    if not offer.is_open(now) and not visit.can_be_changed_online(now):
        raise TooLateToChangeError
    _demand_free(entry, offer, offer.hold or Appointment(), now)
    limits.demand_nowhere_else(visit, span=Span(offer.starts_at, offer.ends_at))
    end_hold(offer.hold, now)  # makes room for the visit, under the same lock
    return visits.put_elsewhere(
        visit, therapist=offer.therapist, starts_at=offer.starts_at, by=visits.Actor.PATIENT, now=now
    )


def _demand_free(entry: WaitlistEntry, offer: Offer, hold: Appointment, now: datetime) -> None:
    """Notice and horizon count from when it was offered, if it still is; else from now."""
    free.choose_therapist(
        [offer.therapist],
        terms=_terms(entry),
        starts_at=offer.starts_at,
        now=now,
        asked_at=offer.created_at if hold.state == State.HELD and hold.pk else now,
        besides=hold,
    )
