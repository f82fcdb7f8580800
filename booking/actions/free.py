"""Who may decide about a therapist's time, and who is free: shared by every action that takes time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from booking.mail import queue
from booking.models import Appointment, Clinic, FreedTime, HeldFor, Service, State, Therapist, free_times
from booking.time.recurrence import meeting
from revival.base.clock import Span, bounds_of_days
from revival.base.refusals import TryAgainError

from .advisory_locks import Turn, await_turn
from .refusals import NotAllFreeError, NotOfferedError, SlotTakenError


def lock(therapist_ids: Iterable[int], *, now: datetime) -> None:
    """Take the therapists' rows, lowest id first, then end the holds whose time is over."""
    ids = sorted(set(therapist_ids))
    rows = Therapist.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(rows.values_list("pk"))
    dead = Appointment.objects.dead_holds(now).filter(therapist__in=ids)
    dead.update(state=State.EXPIRED, ended_at=now)


def one_form_at_a_time(hold: Appointment) -> None:
    """The forms of one browser: each may move its hold to another therapist, while the next waits for the first one's
    row. Comes before any `lock`.
    """
    await_turn(Turn.HOLD, str(hold.public_id))


def locked(appointment: Appointment, *, now: datetime, and_therapists: Iterable[int] = ()) -> Appointment:
    """The row as it is now, with its therapist's lock (and those of `and_therapists`) held."""
    row = Appointment.objects.select_related("therapist", "service").filter(pk=appointment.pk)
    owner = row.values_list("therapist", flat=True).get()
    lock([owner, *and_therapists], now=now)
    present = row.get()
    if present.therapist_id not in {owner, *and_therapists}:  # another tab moved it while we waited
        raise TryAgainError
    return present


def hold_length() -> timedelta:
    return timedelta(minutes=settings.BOOKING_HOLD_MINUTES)


def keeps(hold: Appointment, therapist: Therapist, service: Service, starts_at: datetime) -> bool:
    """Whether a live hold already is at this very place."""
    place = (hold.therapist_id, hold.service_id, hold.starts_at)
    return hold.state == State.HELD and place == (therapist.pk, service.pk, starts_at)


def point(
    hold: Appointment, *, candidates: list[Therapist], service: Service, starts_at: datetime, now: datetime
) -> None:
    """Put a hold at a free time, for ten minutes from now (not saved)."""
    chosen = free_one(candidates, service=service, starts_at=starts_at, now=now, besides=hold)
    hold.put_at(therapist=chosen, service=service, starts_at=starts_at)
    hold.state, hold.ended_at = State.HELD, None
    hold.held_until, hold.held_for = now + hold_length(), HeldFor.PATIENT


def free_one(
    candidates: list[Therapist], *, service: Service, starts_at: datetime, now: datetime, besides: Appointment
) -> Therapist:
    """The candidate who is free then and has the fewest visits that day. Raises when nobody is."""
    zone = Clinic.objects.current().zone
    day = starts_at.astimezone(zone).date()
    offered = Therapist.objects.giving(service).filter(pk__in=[candidate.pk for candidate in candidates])
    if starts_at <= timezone.now() or not Service.objects.on_offer().filter(pk=service.pk).exists():
        raise NotOfferedError
    free = free_times(therapists=offered, service=service, first=day, last=day, now=now, zone=zone, besides=besides)
    able = [candidate for candidate in candidates if starts_at in free.get(candidate.pk, ())]
    others = Appointment.objects.occupying(now).filter(therapist__in=candidates).exclude(pk=besides.pk)
    if len(able) == 1:
        return able[0]
    if able:
        busy = Counter(others.touching(bounds_of_days(day, day, zone)).values_list("therapist", flat=True))
        return min(able, key=lambda candidate: (busy[candidate.pk], candidate.name))
    wanted = Span(starts_at, starts_at + service.length + service.turnaround)
    raise SlotTakenError if others.touching(wanted).exists() else NotOfferedError


def demand_all_free(therapist: Therapist, *, service: Service, starts: Sequence[datetime], now: datetime) -> None:
    """Each of these starts can be booked, also beside the others. Raises NotAllFreeError with those that cannot.

    The rule of `free_one` for many starts, in as many queries as for one.
    """
    zone = Clinic.objects.current().zone
    offered = Therapist.objects.giving(service).filter(pk=therapist.pk)
    if not offered or not Service.objects.on_offer().filter(pk=service.pk).exists():
        raise NotAllFreeError(starts)
    first, last = min(starts).astimezone(zone).date(), max(starts).astimezone(zone).date()
    free = free_times(therapists=offered, service=service, first=first, last=last, now=now, zone=zone)
    able = {start for start in free[therapist.pk] if start > now} - meeting(
        starts, busy=service.length + service.turnaround
    )
    if not_free := [start for start in starts if start not in able]:
        raise NotAllFreeError(not_free)


def give_back(therapist_id: int, span: Span, *, now: datetime) -> None:
    """This time is free again: those on the waiting list are asked, one after another."""
    if span.end <= now:
        return
    FreedTime.objects.create(therapist_id=therapist_id, starts_at=max(span.start, now), ends_at=span.end)
    queue.queue_offers()
