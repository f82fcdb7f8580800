"""Visits in the way of hours or absences, which staff are shown before anything is saved."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import datetime

from django.utils import timezone

from booking.models import Absence, Appointment, Override, RecurringAbsence, Shift, State, Therapist
from booking.time.availability import merge
from revival.base.clock import Span

from .refusals import VisitsInTheWayError


def owners_of(row: Shift | Override | Absence | RecurringAbsence) -> set[int]:
    """The therapists (ids) whose time a row is about: one, or for the whole clinic all of them."""
    if row.therapist_id is not None:
        return {row.therapist_id}
    return set(Therapist.objects.values_list("pk", flat=True))


def visits_within(*, therapists: Iterable[Therapist], spans: Iterable[Span]) -> list[Appointment]:
    """The coming visits and holds that meet any of these spans, in order."""
    return within([therapist.pk for therapist in therapists], list(spans), timezone.now())


def demand_shown(in_the_way: list[Appointment], accepted: Collection[int]) -> list[Appointment]:
    """The visits among them. Raises VisitsInTheWayError when one is not in `accepted`.

    Holds need not be shown: they come and go, and the patient who is typing is refused when booking.
    """
    visits = without_holds(in_the_way)
    if any(visit.pk not in accepted for visit in visits):
        raise VisitsInTheWayError(in_the_way)
    return visits


def without_holds(rows: list[Appointment]) -> list[Appointment]:
    return [row for row in rows if row.state != State.HELD]


def within(owners: Iterable[int], spans: Iterable[Span], now: datetime) -> list[Appointment]:
    """The coming visits and holds of these therapists (ids) that meet any of the spans, in order."""
    wanted = merge(spans)
    if not wanted:
        return []
    reach = Span(wanted[0].start, wanted[-1].end)
    rows = Appointment.objects.occupying(now).filter(therapist__in=owners, ends_at__gt=now).touching(reach)
    return [visit for visit in rows.in_order() if _meets(visit.span, wanted)]


def _meets(span: Span, wanted: list[Span]) -> bool:
    """Whether a span overlaps one of `wanted`, which are disjoint and sorted."""
    nth = bisect_right(wanted, span.start, key=lambda other: other.end)
    return nth < len(wanted) and wanted[nth].start < span.end
