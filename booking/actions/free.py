"""The one answer to "is it free?", the locks that every action on a therapist's time takes, and holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from booking.mail import queue
from booking.models import Appointment, Clinic, FreedTime, HeldFor, Service, State, Therapist, free_times
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

    Raises TryAgainError when another tab moved it to a therapist whose lock we do not have.
    """
    row = Appointment.objects.select_related("therapist", "service").filter(pk=appointment.pk)
    owner = row.values_list("therapist", flat=True).get()
    lock_therapists([owner, *and_therapists], now=now)
    present = row.get()
    if present.therapist_id not in {owner, *and_therapists}:
        raise TryAgainError
    return present


# ---- is it free? ----------------------------------------------------------------------------


class WantedTime(NamedTuple):
    """A visit as it is asked for: with whom, for what, and its start."""

    therapist: Therapist
    service: Service
    starts_at: datetime

    @property
    def blocked(self) -> Span:
        return Span(self.starts_at, self.starts_at + self.service.length + self.service.turnaround)


def free_starts(
    therapists: Iterable[Therapist],
    service: Service,
    starts: Sequence[datetime],
    *,
    now: datetime,
    notice_from: datetime | None = None,
    besides: Appointment | None = None,
) -> dict[int, set[datetime]]:
    """The starts that can be booked on the days of `starts`, by the ids of those therapists who give the service.

    Notice and horizon count from `notice_from` (default: now). The time of `besides` counts as free: it is the hold
    or visit that would move. Six queries.
    """
    zone = Clinic.objects.current().zone
    free = free_times(
        therapists=Therapist.objects.giving(service).among(therapists),
        service=service,
        first=min(starts).astimezone(zone).date(),
        last=max(starts).astimezone(zone).date(),
        now=notice_from or now,
        zone=zone,
        besides=besides,
    )
    return {pk: {start for start in own if start > now} for pk, own in free.items()}


def choose_therapist(
    candidates: Sequence[Therapist],
    *,
    service: Service,
    starts_at: datetime,
    now: datetime,
    besides: Appointment,
    notice_from: datetime | None = None,
) -> Therapist:
    """The candidate who is free then and has the fewest visits that day; of several the first by name.

    Raises SlotTakenError when somebody else has that time, NotOfferedError when nobody offers it. `notice_from` and
    `besides` as in `free_starts`.
    """
    if starts_at <= now or not _is_on_offer(service):
        raise NotOfferedError
    free = free_starts(candidates, service, [starts_at], now=now, notice_from=notice_from, besides=besides)
    able = [candidate for candidate in candidates if starts_at in free.get(candidate.pk, ())]
    if len(able) == 1:
        return able[0]
    others = Appointment.objects.occupying(now).filter(therapist__in=candidates).exclude(pk=besides.pk)
    if not able:
        blocked = Span(starts_at, starts_at + service.length + service.turnaround)
        raise SlotTakenError if others.touching(blocked).exists() else NotOfferedError
    zone = Clinic.objects.current().zone
    day = starts_at.astimezone(zone).date()
    busy = Counter(others.touching(bounds_of_days(day, day, zone)).values_list("therapist", flat=True))
    return min(able, key=lambda candidate: (busy[candidate.pk], candidate.name))


def are_free(wanted: Sequence[WantedTime], *, now: datetime) -> list[bool]:
    """For each wanted time, whether it can be booked, also beside the earlier ones. Six queries a service."""
    therapists = [time.therapist for time in wanted]
    free: dict[Service, dict[int, set[datetime]]] = {}
    for service in {time.service for time in wanted if time.service.is_active}:
        starts = [time.starts_at for time in wanted if time.service == service]
        free[service] = free_starts(therapists, service, starts, now=now)
    earlier: dict[int, list[Span]] = defaultdict(list)
    answers = []
    for time in wanted:
        is_offered = time.starts_at in free.get(time.service, {}).get(time.therapist.pk, ())
        answers.append(is_offered and not any(time.blocked.overlaps(span) for span in earlier[time.therapist.pk]))
        earlier[time.therapist.pk].append(time.blocked)
    return answers


def demand_all_free(therapist: Therapist, *, service: Service, starts: Sequence[datetime], now: datetime) -> None:
    """Check that all these starts can be booked, side by side. Raises NotAllFreeError with those that cannot."""
    if not _is_on_offer(service):
        raise NotAllFreeError(starts)
    answers = are_free([WantedTime(therapist, service, start) for start in starts], now=now)
    if not all(answers):
        raise NotAllFreeError(start for start, is_free in zip(starts, answers, strict=True) if not is_free)


def _is_on_offer(service: Service) -> bool:
    return Service.objects.on_offer().filter(pk=service.pk).exists()


# ---- a patient's hold -----------------------------------------------------------------------


def hold_length() -> timedelta:
    return timedelta(minutes=settings.BOOKING_HOLD_MINUTES)


def is_held_at(hold: Appointment, therapist: Therapist, service: Service, starts_at: datetime) -> bool:
    """Whether a live hold already is at this very time, with this therapist and for this service."""
    place = (hold.therapist_id, hold.service_id, hold.starts_at)
    return hold.state == State.HELD and place == (therapist.pk, service.pk, starts_at)


def hold_for_patient(
    hold: Appointment, *, candidates: Sequence[Therapist], service: Service, starts_at: datetime, now: datetime
) -> None:
    """Put a hold at a free time, for BOOKING_HOLD_MINUTES from now (not saved). Raises as `choose_therapist`."""
    chosen = choose_therapist(candidates, service=service, starts_at=starts_at, now=now, besides=hold)
    until = now + hold_length()
    hold.hold_at(therapist=chosen, service=service, starts_at=starts_at, until=until, held_for=HeldFor.PATIENT)


# ---- given back -----------------------------------------------------------------------------


def give_back(therapist_id: int, span: Span, *, now: datetime) -> None:
    """Offer time that is free again to those on the waiting list, one after another."""
    if span.end <= now:
        return
    FreedTime.objects.create(therapist_id=therapist_id, starts_at=max(span.start, now), ends_at=span.end)
    queue.queue_offers()
