"""One affected visit: locked, asked about, settled, or left to be phoned."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from booking.actions import free, visits
from booking.actions.refusals import StateChangedError, TooLateToChangeError
from booking.models import UNSETTLED, AffectedVisit, Appointment
from booking.models.affected_visits import STANDING
from revival.base.desk_parts.staff_request import StaffUser

from .contact import mark_phoned


def lock_affected(
    line: AffectedVisit, *, now: datetime, and_therapists: Iterable[int] = ()
) -> tuple[Appointment, AffectedVisit]:
    """The visit and its line as they are now, locked after the therapists of both times."""
    of_hold = [line.therapist_id] if line.therapist_id else []
    visit = free.lock_visit(line.visit, now=now, and_therapists=[*of_hold, *and_therapists])
    rows = AffectedVisit.objects.select_for_update(of=("self",)).select_related(
        "hold", "contact", "outage", "therapist"
    )
    present = rows.get(pk=line.pk)
    present.visit = visit
    return visit, present


def demand_open(visit: Appointment, line: AffectedVisit, by: visits.Actor, now: datetime) -> None:
    """Raises StateChangedError when it was settled, TooLateToChangeError for a patient whose visit has begun."""
    if line.state not in UNSETTLED or not visit.is_coming:
        raise StateChangedError
    if by == visits.Actor.PATIENT and visit.starts_at <= now:
        raise TooLateToChangeError


def settle(line: AffectedVisit, state: AffectedVisit.State, now: datetime, who: StaffUser | None = None) -> None:
    """Write down what was decided; `who` is the colleague who did. A trigger lets go of the held time."""
    line.state, line.settled_at, line.settled_by = state, now, who
    line.save()
    if state in STANDING:
        visits.renew_answer(line.visit, now)
    if who is not None and state != AffectedVisit.State.STANDS:
        mark_phoned(line.contact)


def leave_to_phone(line: AffectedVisit, why: AffectedVisit.Why) -> None:
    """Staff are to phone this patient. A trigger lets go of the held time."""
    line.state, line.why, line.hold = AffectedVisit.State.TO_PHONE, why, None
    line.save()
