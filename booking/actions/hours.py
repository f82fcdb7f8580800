"""Absences and working hours, written under the therapists' locks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from django.utils import timezone

from booking.models import Absence, Appointment, Clinic, Outage, Override, Shift, Therapist, working_time
from booking.models.appointment_queries import AppointmentQuerySet
from booking.time.availability import WeeklyHours, subtract
from booking.time.weekly_hours import DayShift, cut, new_row, replaced, same_between
from revival.base.clock import Span, bounds_of_days

from . import free
from .in_the_way import demand_shown, owners_of, within, without_holds
from .recurring import leave_out
from .refusals import NotOfferedError, OutageOpenError, StateChangedError, action


@action
def save_absence(*, absence: Absence) -> list[Appointment]:
    """Write an absence under the therapists' locks. Returns the coming visits that fall into it.

    A day of a recurring absence that is changed becomes an absence of its own. Raises OutageOpenError for the absence
    of an outage.
    """
    now = timezone.now()
    _demand_no_outage(absence)
    before = list(Absence.objects.filter(pk=absence.pk))  # its time may be free again after the change
    owners = set().union(*(owners_of(row) for row in [absence, *before]))
    free.lock_therapists(owners, now=now)
    if not before or any(_differs(row, absence) for row in before):
        leave_out(absence)
        absence.recurring = None
    absence.save()
    for row in before:
        for pk in owners_of(row):
            free.give_back(pk, row.span, now=now)
    return _coming(owners, now).touching(absence.span).in_order()


@action
def save_hours(*, row: Shift | Override) -> list[Appointment]:
    """Write weekly or one day's hours under the locks. Returns the coming visits that are now outside."""
    now = timezone.now()
    before = type(row)._default_manager.filter(pk=row.pk).values_list("therapist", flat=True)
    owners = {row.therapist_id, *before}
    free.lock_therapists(owners, now=now)
    row.save()
    return _outside_hours(owners, now)


@action
def remove_hours(*, row: Shift | Override | Absence) -> list[Appointment]:
    """Delete hours or an absence under the locks. Returns the coming visits that are now outside.

    A day of a recurring absence stays left out when that one is changed. Raises OutageOpenError for the absence of an
    outage.
    """
    now = timezone.now()
    owners = owners_of(row)
    free.lock_therapists(owners, now=now)
    _demand_no_outage(row)
    if isinstance(row, Absence):
        leave_out(row)
    row.delete()
    if isinstance(row, Absence):
        for pk in owners:
            free.give_back(pk, row.span, now=now)
    return _outside_hours(owners, now)


# ---- a week of hours, a closed day, a blocked time: previewed first, then written -------------


def hours_stamp(therapist: Therapist) -> str:
    """A digest of the present weekly hours: it tells whether a page was drawn before somebody changed them."""
    columns = ("pk", "weekday", "opens", "closes", "valid_from", "valid_until", "every_weeks", "counts_from")
    rows = list(Shift.objects.filter(therapist=therapist).order_by("pk").values_list(*columns, "is_example"))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def visits_outside_week(
    *, therapist: Therapist, shifts: Iterable[DayShift], first: date, last: date | None
) -> list[Appointment]:
    """The coming visits and holds that these weekly hours would leave outside, and the present ones do not."""
    return _newly_outside(therapist, list(shifts), first, last, timezone.now())


@action
def set_weekly_hours(
    *,
    therapist: Therapist,
    shifts: Iterable[DayShift],
    first: date,
    last: date | None,
    seen: str,
    accepted: Collection[int],
) -> list[Appointment]:
    """Let this week hold from `first` to `last` (clinic-local, both included; None: until further notice).

    Hours that hold now end the day before and go on after `last`; what has been worked is kept. `seen` is the
    `hours_stamp` that the page showed, `accepted` the visits (ids) that staff were shown. Returns the visits now
    outside. The same once more changes nothing. Raises StateChangedError when somebody else changed the hours
    meanwhile, VisitsInTheWayError when a visit was not shown, NotOfferedError for a day that has gone by.
    """
    now, week = timezone.now(), sorted(set(shifts))
    free.lock_therapists([therapist.pk], now=now)
    rows = list(Shift.objects.filter(therapist=therapist))
    if _holds_already(rows, week, first, last):
        return []
    if first < now.astimezone(Clinic.objects.current().zone).date():
        raise NotOfferedError
    if hours_stamp(therapist) != seen:
        raise StateChangedError
    outside = demand_shown(_newly_outside(therapist, week, first, last, now), accepted)
    for row in rows:
        _shorten(row, cut(row.hours, first, last))
    Shift.objects.bulk_create(Shift(therapist=therapist, **new_row(shift, first, last)._asdict()) for shift in week)
    return outside


@action
def close_clinic(*, days: Mapping[date, str], accepted: Collection[int]) -> list[Absence]:
    """Close the whole clinic on these clinic-local days; the words are the reason. Returns what was written.

    A day that is closed already stays as it is. Raises VisitsInTheWayError when a visit on one of them was not
    shown (`accepted` has the ids of those that were), NotOfferedError for a day that has gone by.
    """
    now = timezone.now()
    zone = Clinic.objects.current().zone
    free.lock_therapists(everyone := set(Therapist.objects.values_list("pk", flat=True)), now=now)
    if any(day < now.astimezone(zone).date() for day in days):
        raise NotOfferedError
    closed = Absence.objects.filter(therapist__isnull=True)
    spans = {day: bounds_of_days(day, day, zone) for day in sorted(days)}
    still_open = {
        day: span
        for day, span in spans.items()
        if not closed.filter(starts_at__lte=span.start, ends_at__gte=span.end).exists()
    }
    demand_shown(within(everyone, still_open.values(), now), accepted)
    reason_length = Absence._meta.get_field("reason").max_length
    rows = [
        Absence(starts_at=span.start, ends_at=span.end, reason=days[day][:reason_length])
        for day, span in still_open.items()
    ]
    return Absence.objects.bulk_create(rows)


@action
def block_time(
    *, therapist: Therapist | None, span: Span, reason: str, accepted: Collection[int]
) -> tuple[Absence, list[Appointment]]:
    """Keep patients out of a span: of one therapist, or with None of the whole clinic.

    Returns the absence and the visits that meet it; the same once more gives the same absence. Raises
    VisitsInTheWayError when a visit was not shown (`accepted` has the ids of those that were).
    """
    now = timezone.now()
    absence = Absence(therapist=therapist, starts_at=span.start, ends_at=span.end, reason=reason)
    free.lock_therapists(owners := owners_of(absence), now=now)
    same = Absence.objects.filter(therapist=therapist, starts_at=span.start, ends_at=span.end).first()
    in_the_way = within(owners, [span], now)
    if same is not None:
        return same, without_holds(in_the_way)
    visits = demand_shown(in_the_way, accepted)
    absence.save()
    return absence, visits


def _differs(row: Absence, other: Absence) -> bool:
    names = ("therapist_id", "starts_at", "ends_at", "reason")
    return any(getattr(row, name) != getattr(other, name) for name in names)


def _holds_already(rows: list[Shift], week: list[DayShift], first: date, last: date | None) -> bool:
    """Whether the therapist's own hours are this week already. Example hours become their own when they are saved."""
    examples = [row for row in rows if row.is_example and cut(row.hours, first, last) != [_validity(row)]]
    own = [row.hours for row in rows if not row.is_example]
    return not examples and same_between(own, week, first, last)


def _validity(row: Shift) -> tuple[date | None, date | None]:
    return row.valid_from, row.valid_until


def _shorten(row: Shift, stretches: list[tuple[date | None, date | None]]) -> None:
    """Let a row hold for these stretches only; without any it is deleted."""
    if stretches == [_validity(row)]:
        return
    if not stretches:
        row.delete()
        return
    for since, until in stretches:
        row.valid_from, row.valid_until = since, until
        row.save()
        row.pk, row._state.adding = None, True  # the next stretch becomes a row of its own


def _newly_outside(
    therapist: Therapist, week: list[DayShift], first: date, last: date | None, now: datetime
) -> list[Appointment]:
    rows = list(Shift.objects.in_force().filter(therapist=therapist))
    planned = replaced([row.hours for row in rows], week, first, last)
    outside_now = {visit.pk for visit in _outside([therapist.pk], now, {therapist.pk: [row.hours for row in rows]})}
    return [visit for visit in _outside([therapist.pk], now, {therapist.pk: planned}) if visit.pk not in outside_now]


def _demand_no_outage(row: Shift | Override | Absence) -> None:
    """Raises OutageOpenError for the absence of an outage: patients were told of it, and must be told when it ends."""
    if isinstance(row, Absence) and row.pk and Outage.objects.open().filter(absence=row.pk).exists():
        raise OutageOpenError


def _coming(therapist_ids: Iterable[int], now: datetime) -> AppointmentQuerySet:
    return Appointment.objects.occupying(now).visits().filter(therapist__in=therapist_ids, starts_at__gt=now)


def _outside_hours(therapist_ids: Iterable[int], now: datetime) -> list[Appointment]:
    return without_holds(_outside(therapist_ids, now, {}))


def _outside(
    therapist_ids: Iterable[int], now: datetime, weekly: Mapping[int, Sequence[WeeklyHours]]
) -> list[Appointment]:
    """Coming visits and holds outside of working time, as it is or (`weekly`) as it would be."""
    zone = Clinic.objects.current().zone
    ids = list(therapist_ids)
    visits = Appointment.objects.occupying(now).filter(therapist__in=ids, starts_at__gt=now).in_order()
    if not visits:
        return []
    first, last = now.astimezone(zone).date(), visits[-1].ends_at.astimezone(zone).date()
    hours = working_time(ids, first=first, last=last, zone=zone, weekly=weekly)
    working = {pk: subtract(time.openings, time.away) for pk, time in hours.items()}
    return [visit for visit in visits if not any(span.contains(visit.span) for span in working[visit.therapist_id])]
