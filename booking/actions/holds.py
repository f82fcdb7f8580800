"""Holds: a slot kept for BOOKING_HOLD_MINUTES while the patient types."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from booking.models import Appointment, DailyCount, Service, State, Therapist

from . import free
from .refusals import NotOfferedError, SlotTakenError, action

ANYONE = None
"""In place of a therapist: any who gives the service and is free."""


@action
def take_hold(
    *, therapist: Therapist | None, service: Service, starts_at: datetime, present: Appointment | None = None
) -> Appointment:
    """Keep a slot for BOOKING_HOLD_MINUTES while the patient types.

    For ANYONE the choice among the free is fair: fewest visits that day, then by name; so the
    loser of a race gets the other therapist. `present` is the hold this browser already has; it
    is pointed at the new time, so that one browser never keeps two. Raises SlotTakenError or
    NotOfferedError.
    """
    now = timezone.now()
    candidates = [therapist] if therapist else list(Therapist.objects.giving(service))
    ids = [candidate.pk for candidate in candidates]
    if present is not None and present.is_hold:
        free.lock_forms_of(present)
        hold = free.lock_visit(present, now=now, and_therapists=ids)
    else:
        free.lock_therapists(ids, now=now)
        hold = Appointment()
    if not hold.is_hold:  # it became a visit meanwhile
        hold = Appointment()
    service = free.present(service)
    is_held = any(free.is_held_at(hold, candidate, service, starts_at) for candidate in candidates)
    if not (is_held and _is_kept(hold, service, now, is_only=therapist is not ANYONE)):
        free.hold_for_patient(hold, candidates=candidates, service=service, starts_at=starts_at, now=now)
    hold.save()
    return hold


def _is_kept(hold: Appointment, service: Service, now: datetime, *, is_only: bool) -> bool:
    """Whether the hold stays with its therapist. If it cannot, and no other will do (`is_only`), raises why."""
    try:
        free.keep_hold(hold, service=service, now=now)
    except (SlotTakenError, NotOfferedError):
        if is_only:
            raise
        return False
    return True


@action
def delete_dead_holds(*, older_than: timedelta = timedelta(days=1)) -> int:
    """Delete holds that ended without details: they never were a visit. Returns how many.

    Old counts of networks go with them: they are kept two days.
    """
    now = timezone.now()
    Appointment.objects.dead_holds(now - older_than).update(state=State.EXPIRED, ended_at=now)
    DailyCount.objects.filter(day__lt=now.date() - timedelta(days=1)).delete()
    # Locked before they are deleted: a late booking of such a hold comes first, or finds it gone.
    old = Appointment.objects.never_booked().filter(held_until__lt=now - older_than)
    ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True))
    count, _ = Appointment.objects.filter(pk__in=ids).delete()
    return count
