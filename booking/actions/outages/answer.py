"""The patient of an outage answers, on their page or on the phone; or no answer comes in time."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from booking.actions import free, limits, visits
from booking.actions.by_phone import mark_heard
from booking.actions.refusals import StateChangedError, action, demand_link, demand_seen
from booking.models import AffectedVisit, Appointment, Audience, State, Terms, Therapist
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffUser

from .affected import demand_open, leave_to_phone, lock_affected, settle


@action
def take_other_time(
    *,
    line: AffectedVisit,
    seen: str,
    therapist: Therapist,
    starts_at: datetime,
    by: visits.Actor,
    who: StaffUser | None = None,
) -> Appointment:
    """Move the visit to the time held for them, or to another free one, and let go of what was held.

    Its old time is no longer theirs, in the same transaction. Taking the same time twice is taking it once.
    `who` is the colleague on the phone. Raises SlotTakenError or NotOfferedError, with the held time still
    held; StateChangedError when it was settled meanwhile; TooLateToChangeError for a patient whose visit has begun.
    """
    now = timezone.now()
    visit, present = lock_affected(line, now=now, and_therapists=[therapist.pk])
    if by == visits.Actor.PATIENT:
        demand_link(present.contact, line.contact)
    place = (visit.therapist_id, visit.starts_at)
    is_moved = present.state in (AffectedVisit.State.ACCEPTED, AffectedVisit.State.OTHER_TIME)
    if is_moved and place == (therapist.pk, starts_at):
        return visit
    demand_seen(present, seen)
    demand_open(visit, present, by, now)
    hold = present.hold if present.is_held(now) else None
    is_held = hold is not None and (present.therapist_id, present.starts_at) == (therapist.pk, starts_at)
    is_anything = is_held or by == visits.Actor.STAFF  # a held time may be taken whatever the notice is
    terms = Terms.of_visit(visit, Audience.STAFF if is_anything else Audience.OUTAGE)
    free.choose_therapist([therapist], terms=terms, starts_at=starts_at, now=now, besides=hold or Appointment())
    if by == visits.Actor.PATIENT:
        limits.demand_nowhere_else(visit, span=Span(starts_at, starts_at + visit.length))
    state = AffectedVisit.State.ACCEPTED if is_held else AffectedVisit.State.OTHER_TIME
    settle(present, state, now, who)  # makes room for the visit
    moved = visits.put_elsewhere(visit, therapist=therapist, starts_at=starts_at, by=by, now=now)
    _mark_newest_heard(moved, by)
    return moved


@action
def cancel_affected(*, line: AffectedVisit, seen: str, by: visits.Actor, who: StaffUser | None = None) -> Appointment:
    """Cancel a visit whose patient wants no other time. No cut-off: it is the clinic that cannot keep the visit.

    Cancelling twice is cancelling once. Raises StateChangedError, and TooLateToChangeError as above.
    """
    now = timezone.now()
    visit, present = lock_affected(line, now=now)
    if by == visits.Actor.PATIENT:
        demand_link(present.contact, line.contact)
    if visit.state == State.CANCELLED:
        return visit
    demand_seen(present, seen)
    demand_open(visit, present, by, now)
    settle(present, AffectedVisit.State.CANCELLED, now, who)
    ended = visits.call_off(visit, by=by, now=now)
    _mark_newest_heard(ended, by)
    return ended


@action
def expire_alternative(*, line: AffectedVisit) -> AffectedVisit:
    """Leave to phone a patient who did not answer in time, or whose held time is lost. Raises StateChangedError."""
    now = timezone.now()
    _, present = lock_affected(line, now=now)
    if not AffectedVisit.objects.to_phone(now).filter(pk=present.pk).exists():
        raise StateChangedError
    is_late = present.until is not None and present.until <= now
    leave_to_phone(present, AffectedVisit.Why.NO_ANSWER if is_late else AffectedVisit.Why.TIME_LOST)
    return present


def _mark_newest_heard(visit: Appointment, by: visits.Actor) -> None:
    newest = visit.messages.order_by("pk").last()
    if by == visits.Actor.STAFF and newest is not None:
        mark_heard(newest)
