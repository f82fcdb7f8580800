"""The guard that decides inside the lock whether a time is free, the locks themselves, and holds."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from booking.mail import queue
from booking.models import (
    Answer,
    Appointment,
    Clinic,
    FreedTime,
    HeldFor,
    Service,
    State,
    Terms,
    Therapist,
    WhyNot,
    ask,
)
from booking.time.availability import Cause, Reason
from revival.base.clock import Span, bounds_of_days
from revival.base.refusals import TryAgainError

from .advisory_locks import LockKind, lock_word
from .refusals import NotAllFreeError, NotOfferedError, SlotTakenError

# ---- locks ----------------------------------------------------------------------------------


def lock_therapists(ids: Iterable[int], *, now: datetime) -> None:
    """Lock the therapists' rows, lowest id first, then end their holds whose time is over."""
    ordered = sorted(set(ids))
    rows = Therapist.objects.select_for_update(no_key=True).filter(pk__in=ordered).order_by("pk")
    list(rows.values_list("pk"))
    dead = Appointment.objects.dead_holds(now).filter(therapist__in=ordered)
    dead.update(state=State.EXPIRED, ended_at=now)


def lock_forms_of(hold: Appointment) -> None:
    """Let the forms of one browser come one after another. Comes before any other lock.

    Each may move the hold to another therapist, while the next one waits for the row of the therapist who had it.
    """
    lock_word(LockKind.HOLD, str(hold.public_id))


def lock_visit(appointment: Appointment, *, now: datetime, and_therapists: Iterable[int] = ()) -> Appointment:
    """The row as it is now, with the locks of its therapist and of `and_therapists` (ids) held.

    Raises TryAgainError when someone else moved it to a therapist whose lock we do not have.
    """
    present, _ = lock_visit_or_sent(appointment, key=None, now=now, and_therapists=and_therapists)
    return present


def lock_visit_or_sent(
    appointment: Appointment, *, key: uuid.UUID | None, now: datetime, and_therapists: Iterable[int] = ()
) -> tuple[Appointment, Appointment | None]:
    """As `lock_visit`, and in the same query the row, if any, that a form with this submission key has made before."""
    locked = {_owner_of(appointment), *and_therapists}
    lock_therapists(locked, now=now)
    rows = Appointment.objects.select_related("therapist", "service").order_by()
    asked = Q(pk=appointment.pk) if key is None else Q(pk=appointment.pk) | Q(submission_key=key)
    found = {row.pk: row for row in rows.filter(asked)}
    if appointment.pk not in found:
        raise Appointment.DoesNotExist
    present = found.pop(appointment.pk)
    if present.therapist_id not in locked:
        appointment.was_moved = True
        raise TryAgainError
    return present, next(iter(found.values()), None)


def _owner_of(appointment: Appointment) -> int:
    """The id of its therapist: as the caller read it, and when that proved wrong, as it is now."""
    if not appointment.was_moved:
        return appointment.therapist_id
    return Appointment.objects.values_list("therapist", flat=True).get(pk=appointment.pk)


# ---- is it free? ----------------------------------------------------------------------------


class WantedTime(NamedTuple):
    """A visit as it is asked for: with whom, on which terms, and its start."""

    therapist: Therapist
    terms: Terms
    starts_at: datetime


def present(service: Service) -> Service:
    """The service as it is now: it may have changed since the page was drawn. Read it after the locks."""
    return Service.objects.get(pk=service.pk)


def choose_therapist(
    candidates: Iterable[Therapist],
    *,
    terms: Terms,
    starts_at: datetime,
    now: datetime,
    besides: Appointment,
    asked_at: datetime | None = None,
) -> Therapist:
    """The candidate who is free then and has the fewest visits that day; of several the first by name.

    Raises SlotTakenError when only somebody else's visit is in the way, NotOfferedError for any other cause. Both
    say why. `besides` and `asked_at` as for `ask`.
    """
    therapists, zone = Therapist.objects.for_service(terms.service).among(candidates), _zone()
    day = starts_at.astimezone(zone).date()
    answer = ask(terms, therapists, first=day, last=day, now=now, zone=zone, besides=besides, asked_at=asked_at)
    able = [therapist for therapist, starts in answer.free_times.items() if starts_at in starts]
    if not able:
        raise refusal([answer.why_not(therapist, starts_at) for therapist in answer.rows])
    if len(able) == 1:
        return able[0]
    others = Appointment.objects.occupying(now).filter(therapist__in=able).exclude(pk=besides.pk)
    busy = Counter(others.touching(bounds_of_days(day, day, zone)).values_list("therapist", flat=True))
    return min(able, key=lambda candidate: (busy[candidate.pk], candidate.name))


def refusal(why: Sequence[WhyNot]) -> SlotTakenError | NotOfferedError:
    """The exception for a time that cannot be booked: SlotTakenError when only another visit is in the way."""
    is_taken = any(one.causes == {Cause.TAKEN} for one in why)
    return SlotTakenError(why) if is_taken else NotOfferedError(why)


def look_at(wanted: Sequence[WantedTime], *, now: datetime) -> list[WhyNot]:
    """For each wanted time, why it cannot be booked beside the earlier ones; without reasons it can.

    Six queries for each terms, however many times.
    """
    answers: dict[Terms, Answer] = {}
    zone = _zone()
    for terms in {time.terms for time in wanted}:
        own = [time for time in wanted if time.terms == terms]
        therapists = Therapist.objects.for_service(terms.service).among(time.therapist for time in own)
        days = [time.starts_at.astimezone(zone).date() for time in own]
        answers[terms] = ask(terms, therapists, first=min(days), last=max(days), now=now, zone=zone)
    earlier: dict[Therapist, list[Span]] = defaultdict(list)
    looks = []
    for therapist, terms, start in wanted:
        why, blocked = answers[terms].why_not(therapist, start), terms.blocked_from(start)
        taken = [Reason(Cause.TAKEN, span) for span in earlier[therapist] if span.overlaps(blocked)]
        looks.append(replace(why, reasons=(*why.reasons, *taken)))
        earlier[therapist].append(blocked)
    return looks


def demand_all_free(therapist: Therapist, *, terms: Terms, starts: Sequence[datetime], now: datetime) -> None:
    """Check that all these starts can be booked, side by side. Raises NotAllFreeError with those that cannot."""
    looks = look_at([WantedTime(therapist, terms, start) for start in starts], now=now)
    if not_free := [why.starts_at for why in looks if why.reasons]:
        raise NotAllFreeError(not_free)


def _zone() -> ZoneInfo:
    return Clinic.objects.current().zone


# ---- a patient's hold -----------------------------------------------------------------------


def hold_length() -> timedelta:
    return timedelta(minutes=settings.BOOKING_HOLD_MINUTES)


def is_held_at(hold: Appointment, therapist: Therapist, service: Service, starts_at: datetime) -> bool:
    """Whether a live hold already is at this very time, with this therapist and for this service."""
    place = (hold.therapist_id, hold.service_id, hold.starts_at)
    return hold.state == State.HELD and place == (therapist.pk, service.pk, starts_at)


def hold_for_patient(
    hold: Appointment, *, candidates: Iterable[Therapist], service: Service, starts_at: datetime, now: datetime
) -> None:
    """Put a hold at a free time, for BOOKING_HOLD_MINUTES from now (not saved). Raises as `choose_therapist`."""
    terms = Terms.anew(service)
    chosen = choose_therapist(candidates, terms=terms, starts_at=starts_at, now=now, besides=hold)
    until = now + hold_length()
    hold.hold_at(therapist=chosen, service=service, starts_at=starts_at, until=until, held_for=HeldFor.PATIENT)


def keep_hold(hold: Appointment, *, service: Service, now: datetime) -> None:
    """Put a live hold again where it is, by the rules of today, for as long as it lasts (not saved).

    Typing takes time: notice and horizon count from when the hold was taken. Everything else counts as it is now,
    also a length that was changed meanwhile. Raises as `choose_therapist`.
    """
    asked_at = min((hold.held_until or now) - hold_length(), now)
    choose_therapist(
        [hold.therapist],
        terms=Terms.anew(service),
        starts_at=hold.starts_at,
        now=now,
        besides=hold,
        asked_at=asked_at,
    )
    hold.put_at(therapist=hold.therapist, service=service, starts_at=hold.starts_at)


# ---- given back -----------------------------------------------------------------------------


def give_back(therapist_id: int, span: Span, *, now: datetime) -> None:
    """Offer time that is free again to those on the waiting list, one after another."""
    if span.end <= now:
        return
    FreedTime.objects.create(therapist_id=therapist_id, starts_at=max(span.start, now), ends_at=span.end)
    queue.queue_offers()
