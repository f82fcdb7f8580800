"""The waiting list: a freed time is offered to one who waits, kept for two hours, then goes to the next.

An offer is an appointment in state held, so the constraint that keeps visits apart keeps offers apart.
Locks are taken in one order everywhere: therapists, then the entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from booking.mail import queue
from booking.models import (
    Appointment,
    Clinic,
    Delivery,
    FreedTime,
    HeldFor,
    Kind,
    Offer,
    Service,
    State,
    Therapist,
    WaitlistEntry,
    free_times,
)
from booking.models.appointments import token_digest
from revival.base.clock import Span

from . import free as slots
from . import limits, visits
from .advisory_locks import Turn, await_turn
from .refusals import StateChangedError, TooLateToChangeError, TooManyError, action, demand_same

Waiting = WaitlistEntry.State


# ---- join and leave -------------------------------------------------------------------------


@action
def join_waitlist(*, submission_key: uuid.UUID, **facts: Any) -> WaitlistEntry:
    """Put someone on the list and send them the link by which they leave it.

    `facts` are the entry's own fields. Sending the same form again, or joining twice for one visit,
    is one entry. Raises SubmissionReusedError when the form came before with other content,
    TooManyError when this address waits often enough.
    """
    visit = facts.get("visit")
    if visit is not None:
        Appointment.objects.select_for_update(no_key=True).get(pk=visit.pk)
        if already := WaitlistEntry.objects.waiting().filter(visit=visit).first():
            return already
    else:
        _lock_address(facts["email"])
        theirs = WaitlistEntry.objects.waiting().filter(email__iexact=facts["email"])
        if theirs.exclude(submission_key=submission_key).count() >= settings.BOOKING_COMING_VISITS:
            raise TooManyError
    new = WaitlistEntry(**facts)
    link = {"public_id": new.public_id, "link_digest": token_digest(new.token)}
    entry, is_new = WaitlistEntry.objects.get_or_create(submission_key=submission_key, defaults=facts | link)
    if is_new:
        queue.queue_message(Kind.JOINED, entry)
    else:
        demand_same(entry, facts)
    return entry


def _lock_address(email: str) -> None:
    """One person may wait twice; what they are offered is decided one after the other."""
    await_turn(Turn.ADDRESS, email)


@action
def leave_waitlist(*, entry: WaitlistEntry) -> WaitlistEntry:
    """Take them off the list; an open offer goes to the next. Leaving twice is leaving once."""
    now = timezone.now()
    present = _locked_entry(entry, now=now)
    if present.state == Waiting.WAITING:
        _end(present, Waiting.LEFT, now)
        for offer in present.offers.open():
            close_offer(offer, Offer.State.DECLINED, now)
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


def _locked_entry(entry: WaitlistEntry, *, now: datetime, also: Iterable[int] = ()) -> WaitlistEntry:
    """The entry as it is now, its row locked after those of the therapists its open offer is about."""
    offered = set(Offer.objects.open().filter(entry=entry).values_list("therapist", flat=True))
    slots.lock({*offered, *also}, now=now)
    rows = WaitlistEntry.objects.select_for_update(of=("self",)).select_related(
        "service", "visit__therapist", "visit__service"
    )
    return rows.get(pk=entry.pk)


# ---- offer ----------------------------------------------------------------------------------


def offer_length() -> timedelta:
    return timedelta(minutes=settings.BOOKING_OFFER_MINUTES)


@action
def offer_freed_time(*, freed: FreedTime) -> list[Offer]:
    """Offer this time to those who wait, first come first, as long as any of it is free.

    Each person has at most one open offer, and never sees the same slot twice. None at night.
    """
    now, clinic = timezone.now(), Clinic.objects.current()
    zone = clinic.zone
    if clinic.is_quiet_at(now) or not FreedTime.objects.filter(pk=freed.pk).exists():
        return []
    slots.lock([freed.therapist_id], now=now)
    therapist = Therapist.objects.taking_patients().filter(pk=freed.therapist_id).first()
    if therapist is None:
        return []
    first, last = freed.starts_at.astimezone(zone).date(), freed.ends_at.astimezone(zone).date()
    waiting = WaitlistEntry.objects.who_could_come(therapist, first=first, last=last).without_open_offer()
    # Whoever is just leaving or answering is passed over; the next look comes within a minute.
    rows = waiting.select_related("service", "visit").order_by("created_at", "pk")
    made: list[Offer] = []
    opened: dict[int, list[datetime]] = {}  # by service, until an offer takes some of it
    for entry in rows.select_for_update(of=("self",), skip_locked=True):
        if entry.service_id not in opened:
            opened[entry.service_id] = _opened(therapist, entry.service, freed.span, now)
        wanted = [start for start in opened[entry.service_id] if entry.wants(start, zone)]
        if wanted and (offer := _offer_to(entry, therapist, wanted, now)):
            made.append(offer)
            opened.clear()
    return made


def _opened(therapist: Therapist, service: Service, freed: Span, now: datetime) -> list[datetime]:
    """The starts that the freed time made possible, the one it began with first."""
    zone = Clinic.objects.current().zone
    before = service.length + service.turnaround  # an earlier start may have become possible, too
    first, last = (freed.start - before).astimezone(zone).date(), freed.end.astimezone(zone).date()
    free = free_times(therapists=[therapist], service=service, first=first, last=last, now=now, zone=zone)
    touching = [start for start in free[therapist.pk] if Span(start, start + before).overlaps(freed)]
    return sorted(touching, key=lambda start: abs(start - freed.start))


def _offer_to(entry: WaitlistEntry, therapist: Therapist, wanted: list[datetime], now: datetime) -> Offer | None:
    """The first of the wanted starts that this person was not asked about, or about its neighbors, before."""
    if entry.visit is not None and not entry.visit.can_be_changed_online(now):
        return None
    _lock_address(entry.recipient)
    theirs = Offer.objects.to_address(entry.recipient)
    if theirs.open().exists():
        return None
    busy = entry.service.length + entry.service.turnaround
    seen = [Span(*times) for times in theirs.filter(therapist=therapist).values_list("starts_at", "ends_at")]
    fresh = (start for start in wanted if not any(Span(start, start + busy).overlaps(span) for span in seen))
    start = next(fresh, None)
    return _make_offer(entry, therapist, start, now) if start is not None else None


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
    queue.queue_message(Kind.OFFER, offer)
    return offer


@action
def expire_offer(*, offer: Offer) -> Offer:
    """Nobody answered in time, or nobody can any more: the slot goes on. Raises StateChangedError.

    An offer that came too late in the evening to be mailed is taken back whole, so that the person
    can be asked again.
    """
    now = timezone.now()
    _locked_entry(offer.entry, now=now)
    present = Offer.objects.over(now).select_for_update(of=("self",)).select_related("hold").filter(pk=offer.pk).first()
    if present is None:
        raise StateChangedError
    written = list(present.messages.select_for_update(skip_locked=True))
    if not written:  # a worker is handing it over this very moment: wait for what becomes of it
        raise StateChangedError
    if all(message.delivery == Delivery.OVERTAKEN and not message.attempts for message in written):
        if present.hold is not None and present.hold.is_hold:
            _end_hold(present.hold, now)
        present.delete()
        return present
    close_offer(present, Offer.State.EXPIRED, now)
    return present


@action
def decline_offer(*, offer: Offer) -> Offer:
    """Not this time, but stay on the list. The slot goes to the next. Declining twice is declining once."""
    now = timezone.now()
    _locked_entry(offer.entry, now=now)
    present = Offer.objects.select_for_update(of=("self",)).select_related("hold").get(pk=offer.pk)
    if present.state == Offer.State.OPEN:
        close_offer(present, Offer.State.DECLINED, now)
    return present


def close_offer(offer: Offer, state: str, now: datetime) -> None:
    offer.state, offer.ended_at = state, now
    offer.save()
    if offer.hold is not None and offer.hold.is_hold:
        _end_hold(offer.hold, now)
    queue.queue_offers()  # the freed time is still there, for the next


def _end_hold(hold: Appointment, now: datetime) -> None:
    hold.state, hold.ended_at = State.EXPIRED, now
    hold.save()


@action
def accept_offer(*, offer: Offer) -> Appointment:
    """Take an offered time: a new visit, or the one they have moved there.

    An offer that ran out is still good while its time is free. Accepting twice is accepting once.
    Raises SlotTakenError, NotOfferedError, TooManyError, TooLateToChangeError for a visit that is near
    by now, or StateChangedError when it was declined or they left the list.
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
    for other in entry.offers.open().select_related("hold"):  # a newer one, when an older was taken
        close_offer(other, Offer.State.DECLINED, now)
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
    if not offer.is_open(now) and not visit.can_be_changed_online(now):
        raise TooLateToChangeError
    hold = offer.hold
    _demand_free(entry, offer, hold or Appointment(), now)
    if hold is not None and hold.is_hold:  # makes room for the visit, under the same lock
        _end_hold(hold, now)
    return visits.put_elsewhere(
        visit, therapist=offer.therapist, starts_at=offer.starts_at, by=visits.Actor.PATIENT, now=now
    )


def _demand_free(entry: WaitlistEntry, offer: Offer, hold: Appointment, now: datetime) -> None:
    """Notice and horizon count from when it was offered, if it still is; else from now."""
    since = offer.created_at if hold.state == State.HELD and hold.pk else now
    slots.free_one([offer.therapist], service=entry.service, starts_at=offer.starts_at, now=since, besides=hold)
