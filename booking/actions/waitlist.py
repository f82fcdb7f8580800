"""The waiting list: a freed time is offered to one who waits, kept for two hours, then goes to the next.

An offer is an appointment in state held, so the constraint that keeps visits apart keeps offers apart.
Locks are taken in one order everywhere: therapists, then the entry.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from booking import messages
from booking.availability import Span
from booking.models import (
    Appointment,
    Clinic,
    Delivery,
    FreedTime,
    HeldFor,
    Kind,
    Offer,
    State,
    Therapist,
    WaitlistEntry,
    free_times,
)
from booking.models.appointments import token_digest

from . import limits, slots, visits
from .refusals import StateChangedError, action

Waiting = WaitlistEntry.State


# ---- join and leave -------------------------------------------------------------------------


@action
def join_waitlist(*, submission_key: uuid.UUID, **facts: Any) -> WaitlistEntry:
    """Put someone on the list and send them the link by which they leave it.

    `facts` are the entry's own fields. Sending the same form again, or joining twice for one visit,
    is one entry.
    """
    visit = facts.get("visit")
    if visit is not None:
        Appointment.objects.select_for_update(no_key=True).get(pk=visit.pk)
        if already := WaitlistEntry.objects.waiting().filter(visit=visit).first():
            return already
    new = WaitlistEntry(**facts)
    link = {"public_id": new.public_id, "link_digest": token_digest(new.token)}
    entry, is_new = WaitlistEntry.objects.get_or_create(submission_key=submission_key, defaults=facts | link)
    if is_new:
        messages.queue_message(Kind.JOINED, entry)
    return entry


@action
def leave_waitlist(*, entry: WaitlistEntry) -> WaitlistEntry:
    """Take them off the list; an open offer goes to the next. Leaving twice is leaving once."""
    now = timezone.now()
    present = _locked_entry(entry, now=now)
    if present.state == Waiting.WAITING:
        _end(present, Waiting.LEFT, now)
        for offer in present.offers.open():
            _close(offer, Offer.State.DECLINED, now)
    return present


@action
def end_waiting(*, entry: WaitlistEntry) -> WaitlistEntry:
    """Its dates are over, or the visit it would have moved is. Raises StateChangedError."""
    now = timezone.now()
    present = _locked_entry(entry, now=now)
    if present.state != Waiting.WAITING or present.offers.open().exists():
        raise StateChangedError
    _end(present, Waiting.ENDED, now)
    return present


def _end(entry: WaitlistEntry, state: str, now: datetime) -> None:
    entry.state, entry.ended_at = state, now
    entry.save()


def _locked_entry(entry: WaitlistEntry, *, now: datetime, also: set[int] = frozenset()) -> WaitlistEntry:  # type: ignore[assignment]
    """The entry as it is now, its row locked after those of the therapists its open offer is about."""
    offered = set(Offer.objects.open().filter(entry=entry).values_list("therapist", flat=True))
    slots.lock(offered | also, now=now)
    rows = WaitlistEntry.objects.select_for_update(of=("self",)).select_related(
        "service", "visit__therapist", "visit__service"
    )
    return rows.get(pk=entry.pk)


# ---- offer ----------------------------------------------------------------------------------


def offer_length() -> timedelta:
    return timedelta(minutes=settings.BOOKING_OFFER_MINUTES)


def is_quiet(now: datetime) -> bool:
    """Whether people sleep at the clinic's place: nobody is sent an offer then."""
    hour = now.astimezone(Clinic.objects.current().zone).hour
    return hour >= settings.BOOKING_QUIET_FROM_HOUR or hour < settings.BOOKING_QUIET_UNTIL_HOUR


@action
def offer_freed_time(*, freed: FreedTime) -> list[Offer]:
    """Offer this time to those who wait, first come first, as long as any of it is free.

    Each person has at most one open offer, and never sees the same slot twice. None at night.
    """
    now, zone = timezone.now(), Clinic.objects.current().zone
    if is_quiet(now) or not FreedTime.objects.filter(pk=freed.pk).exists():
        return []
    slots.lock([freed.therapist_id], now=now)
    therapist = Therapist.objects.taking_patients().filter(pk=freed.therapist_id).first()
    if therapist is None:
        return []
    first, last = freed.starts_at.astimezone(zone).date(), freed.ends_at.astimezone(zone).date()
    waiting = WaitlistEntry.objects.who_could_come(therapist, first=first, last=last).without_open_offer()
    # Whoever is just leaving or answering is passed over; the next look comes within a minute.
    rows = waiting.select_related("service", "visit").order_by("created_at", "pk")
    made = []
    for entry in rows.select_for_update(of=("self",), skip_locked=True):
        if offer := _offer_to(entry, therapist, freed.span, now):
            made.append(offer)
    return made


def _offer_to(entry: WaitlistEntry, therapist: Therapist, freed: Span, now: datetime) -> Offer | None:
    zone, service = Clinic.objects.current().zone, entry.service
    if entry.visit is not None and not entry.visit.can_be_changed_online(now):
        return None
    before = service.length + service.turnaround  # an earlier start may have become possible, too
    free = free_times(
        therapists=[therapist],
        service=service,
        first=(freed.start - before).astimezone(zone).date(),
        last=freed.end.astimezone(zone).date(),
        now=now,
        zone=zone,
    )[therapist.pk]
    seen = set(entry.offers.filter(therapist=therapist).values_list("starts_at", flat=True))
    wanted = [start for start in free if entry.wants(start, zone) and start not in seen]
    opened = [start for start in wanted if Span(start, start + before).overlaps(freed)]
    closest = min(opened, key=lambda start: abs(start - freed.start), default=None)
    return _make_offer(entry, therapist, closest, now) if closest is not None else None


def _make_offer(entry: WaitlistEntry, therapist: Therapist, start: datetime, now: datetime) -> Offer:
    until = min(now + offer_length(), start)
    hold = Appointment(state=State.HELD, held_for=HeldFor.OFFER, held_until=until)
    hold.put_at(therapist=therapist, service=entry.service, starts_at=start)
    hold.renew_link()
    hold.save()
    offer = Offer.objects.create(
        entry=entry,
        therapist=therapist,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        hold=hold,
        until=until,
    )
    messages.queue_message(Kind.OFFER, offer)
    return offer


@action
def expire_offer(*, offer: Offer) -> Offer:
    """Nobody answered in time: the slot goes on. Raises StateChangedError.

    An offer whose mail never left is taken back whole, so that the person can be asked again.
    """
    now = timezone.now()
    _locked_entry(offer.entry, now=now)
    present = Offer.objects.select_for_update(of=("self",)).select_related("hold").filter(pk=offer.pk).first()
    if present is None or present.state != Offer.State.OPEN or present.until > now:
        raise StateChangedError
    if not present.messages.filter(delivery=Delivery.SENT).exists():
        present.delete()
        return present
    _close(present, Offer.State.EXPIRED, now)
    return present


@action
def decline_offer(*, offer: Offer) -> Offer:
    """Not this time, but stay on the list. The slot goes to the next. Declining twice is declining once."""
    now = timezone.now()
    _locked_entry(offer.entry, now=now)
    present = Offer.objects.select_for_update(of=("self",)).select_related("hold").get(pk=offer.pk)
    if present.state == Offer.State.OPEN:
        _close(present, Offer.State.DECLINED, now)
    return present


def _close(offer: Offer, state: str, now: datetime) -> None:
    offer.state, offer.ended_at = state, now
    offer.save()
    hold = offer.hold
    if hold is not None and hold.is_hold:
        hold.state, hold.ended_at = State.EXPIRED, now
        hold.save()
    messages.queue_offers()  # the freed time is still there, for the next


@action
def accept_offer(*, offer: Offer) -> Appointment:
    """Take an offered time: a new visit, or the one they have moved there.

    An offer that ran out is still good while its time is free. Accepting twice is accepting once.
    Raises SlotTakenError, NotOfferedError, TooManyError, or StateChangedError when it was declined
    or they left the list.
    """
    now = timezone.now()
    also = {offer.therapist_id} | ({offer.entry.visit.therapist_id} if offer.entry.visit else set())
    entry = _locked_entry(offer.entry, now=now, also=also)
    present = Offer.objects.select_for_update(of=("self",)).select_related("hold", "therapist").get(pk=offer.pk)
    if present.state == Offer.State.TAKEN and present.hold is not None:
        return present.hold
    if entry.state != Waiting.WAITING or present.state == Offer.State.DECLINED:
        raise StateChangedError
    visit = _move_there(entry.visit, entry, present, now) if entry.visit else _book_there(entry, present, now)
    present.state, present.ended_at, present.hold = Offer.State.TAKEN, now, visit
    present.save()
    _end(entry, Waiting.BOOKED, now)
    return visit


def _book_there(entry: WaitlistEntry, offer: Offer, now: datetime) -> Appointment:
    hold = offer.hold if offer.hold is not None and offer.hold.is_hold else Appointment()
    _demand_free(entry, offer, hold, now)
    limits.demand_few_visits(name=entry.name, email=entry.email, phone=entry.phone, now=now)
    hold.put_at(therapist=offer.therapist, service=entry.service, starts_at=offer.starts_at)
    hold.renew_link()
    details = visits.Details(
        name=entry.name,
        email=entry.email,
        phone=entry.phone,
        is_new_patient=entry.is_new_patient,
        consent_version=entry.consent_version,
        came_from=entry.came_from,
    )
    hold.ended_at = None
    return visits.settle(hold, details=details, submission_key=uuid.uuid4(), digest="", now=now)


def _move_there(visit: Appointment, entry: WaitlistEntry, offer: Offer, now: datetime) -> Appointment:
    if not visit.is_coming:
        raise StateChangedError
    hold = offer.hold
    _demand_free(entry, offer, hold or Appointment(), now)
    if hold is not None and hold.is_hold:  # makes room for the visit, under the same lock
        hold.state, hold.ended_at = State.EXPIRED, now
        hold.save()
    return visits.put_elsewhere(
        visit, therapist=offer.therapist, starts_at=offer.starts_at, by=visits.Actor.PATIENT, now=now
    )


def _demand_free(entry: WaitlistEntry, offer: Offer, hold: Appointment, now: datetime) -> None:
    """Notice and horizon count from when it was offered, if it still is; else from now."""
    since = offer.created_at if hold.state == State.HELD and hold.pk else now
    slots.free_one([offer.therapist], service=entry.service, starts_at=offer.starts_at, now=since, besides=hold)
