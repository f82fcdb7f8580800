"""What is free: one read per table for all therapists and the whole window, then arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.availability import Span, bounds_of_days, free_starts, opening_spans

from .appointments import Appointment
from .hours import Absence, Shift
from .therapists import Service, Therapist


def free_times(
    *,
    therapists: Iterable[Therapist],
    service: Service,
    first: date,
    last: date,
    now: datetime,
    zone: ZoneInfo,
    besides: Appointment | None = None,
) -> dict[int, list[datetime]]:
    """The starts that can be booked from `first` to `last` (clinic-local, both included).

    Returns UTC starts, sorted, by therapist id. The span of `besides` counts as free: it is the
    hold or visit that would move. Three queries, however many therapists and days.
    """
    ids = [therapist.pk for therapist in therapists]
    today = now.astimezone(zone).date()
    first, last = max(first, today), min(last, today + timedelta(days=service.horizon_days))
    if not ids or first > last:
        return {pk: [] for pk in ids}

    days = bounds_of_days(first, last, zone)
    reach = Span(days.start, days.end + service.length + service.turnaround)
    shifts = list(Shift.objects.in_force().filter(therapist__in=ids).holding_between(first, last))
    absences = list(Absence.objects.touching(reach))
    taken = Appointment.objects.occupying(now).filter(therapist__in=ids).touching(reach)
    if besides is not None and besides.pk:
        taken = taken.exclude(pk=besides.pk)
    blocked = [(pk, Span(span.lower, span.upper)) for pk, span in taken.values_list("therapist", "blocked")]

    return {
        pk: free_starts(
            rules=service.rules,
            openings=opening_spans([s.hours for s in shifts if s.therapist_id == pk], first, last, zone),
            away=[a.span for a in absences if a.therapist_id in (pk, None)],
            blocked=[span for owner, span in blocked if owner == pk],
            now=now,
            zone=zone,
        )
        for pk in ids
    }
