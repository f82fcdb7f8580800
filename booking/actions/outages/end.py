"""An outage ends before its time: the therapist is back earlier, or was never away."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from booking.actions import free
from booking.actions.refusals import NotOfferedError, StateChangedError, action, demand_seen
from booking.models import Absence, AffectedVisit, Appointment, Outage
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffUser

from .affected import settle
from .contact import may_know, tell_it_stands, withdraw_message


@action
def end_outage(*, outage: Outage, seen: str, ends_at: datetime | None, by: StaffUser) -> int:
    """The therapist is back earlier, at `ends_at`, or was never away (None): visits from then on stand as they were.

    Held times are let go, and each patient who was told gets one message. What patients have changed stays
    changed, and a visit that meets another absence stays on the board. An outage that has begun ends now at the
    earliest. Returns how many visits stand. Raises StateChangedError when it is over, NotOfferedError when it
    would end later than planned.
    """
    now = timezone.now()
    free.lock_therapists([outage.therapist_id], now=now)
    present = Outage.objects.select_for_update(of=("self",)).select_related("absence", "therapist").get(pk=outage.pk)
    if present.is_over(now):
        raise StateChangedError
    demand_seen(present, seen)
    end = max(ends_at or present.starts_at, now)
    if end >= present.ends_at:
        raise NotOfferedError
    lines = _standing_from(end, present)
    freed = Span(max(end, present.starts_at), present.ends_at)
    _shorten(present, end, now)
    for line in lines:
        settle(line, AffectedVisit.State.STANDS, now, by)
    _tell(lines)
    free.give_back(present.therapist_id, freed, now=now)
    return len(lines)


def _standing_from(end: datetime, outage: Outage) -> list[AffectedVisit]:
    """The lines of visits that take place as planned once the outage ends then."""
    return [
        line
        for line in outage.visits.open().select_for_update(of=("self",)).in_order()
        if line.visit.starts_at >= end and line.visit.is_coming and not _meets_other_absence(outage, line.visit)
    ]


def _meets_other_absence(outage: Outage, visit: Appointment) -> bool:
    """Whether the therapist or the whole clinic is away besides: then the visit does not stand."""
    others = Absence.objects.exclude(pk=outage.absence_id or 0).keeping_away(visit.therapist_id)
    return others.touching(visit.span).exists()


def _shorten(outage: Outage, end: datetime, now: datetime) -> None:
    """The outage first: its absence must cover it, and an absence that never was is deleted."""
    absence = outage.absence
    if end > outage.starts_at:
        outage.ends_at = end
        outage.save()
        if absence is not None:
            absence.ends_at = end
            absence.save()
        return
    outage.state, outage.ended_at, outage.absence = Outage.State.WITHDRAWN, now, None
    outage.save()
    if absence is not None:
        absence.delete()


def _tell(lines: list[AffectedVisit]) -> None:
    for contact in sorted({line.contact for line in lines}, key=lambda contact: contact.pk):
        if may_know(contact):
            tell_it_stands(contact)
        else:
            withdraw_message(contact)
