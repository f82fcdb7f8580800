"""Staff settle an affected visit on the phone."""

from __future__ import annotations

from django.utils import timezone

from booking.actions import visits
from booking.actions.refusals import action, demand_seen
from booking.models import AffectedVisit
from revival.base.desk_parts.staff_request import StaffUser

from .affected import demand_open, lock_affected, settle
from .contact import mark_phoned, may_know, tell_it_stands, withdraw_message


@action
def keep_affected(*, line: AffectedVisit, seen: str, who: StaffUser) -> AffectedVisit:
    """Let the visit take place as planned, and write to a patient who was told otherwise. Raises StateChangedError."""
    now = timezone.now()
    visit, present = lock_affected(line, now=now)
    demand_seen(present, seen, done=AffectedVisit.State.KEPT)
    demand_open(visit, present, visits.Actor.STAFF, now)
    settle(present, AffectedVisit.State.KEPT, now, who)
    if not may_know(present.contact):
        withdraw_message(present.contact)
    elif not present.has_begun(now):
        tell_it_stands(present.contact, is_on_the_phone=True)
    return present


@action
def note_reached(*, line: AffectedVisit, seen: str, who: StaffUser) -> AffectedVisit:
    """Note that they know by phone that the therapist is out, and have not decided yet. Raises StateChangedError."""
    now = timezone.now()
    visit, present = lock_affected(line, now=now)
    demand_seen(present, seen)
    demand_open(visit, present, visits.Actor.STAFF, now)
    present.reached_at, present.reached_by = now, who
    present.save()
    mark_phoned(present.contact)
    return present
