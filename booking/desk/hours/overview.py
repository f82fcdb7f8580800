"""The hours page: everyone's weekly hours, and the absences and other hours to come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.models import SEE_EVERY_PATIENT, Absence, Override, Shift, Therapist
from booking.time.weekly_hours import WeekPattern, patterns
from revival.base.desk_parts.staff_request import StaffRequest

from .recurring_list import recurring_lines
from .rhythm import ShownShift, shown_week

CHANGE_HOURS = ("booking.view_shift", "booking.add_shift", "booking.change_shift")
MOST_LISTED = 30
"""Absences and other hours to come that the page lists, of each."""


@dataclass(frozen=True)
class Hours:
    """Weekly hours of one therapist before, on and after a day."""

    therapist: Therapist
    before: list[WeekPattern]
    now: WeekPattern | None
    coming: list[WeekPattern]
    is_example: bool
    today: date

    @classmethod
    def of(cls, therapist: Therapist, shifts: Iterable[Shift], today: date) -> Hours:
        shifts = list(shifts)
        weeks = patterns(shift.hours for shift in shifts)
        return cls(
            therapist,
            before=[week for week in weeks if week.last and week.last < today and week.shifts],
            now=next((week for week in weeks if week.holds_on(today)), None),
            coming=[week for week in weeks if week.first and week.first > today],
            is_example=any(
                shift.is_example and (shift.valid_until is None or shift.valid_until >= today) for shift in shifts
            ),
            today=today,
        )

    @property
    def week_now(self) -> list[tuple[str, list[ShownShift]]]:
        return shown_week(self.now, self.today) if self.now else []

    @property
    def weeks_coming(self) -> list[tuple[WeekPattern, list[tuple[str, list[ShownShift]]]]]:
        return [(week, shown_week(week)) for week in self.coming]

    @property
    def weeks_before(self) -> list[tuple[WeekPattern, list[ShownShift]]]:
        """The latest first."""
        return [(week, [shift for _, shifts in shown_week(week) for shift in shifts]) for week in reversed(self.before)]


@require_safe
def hours_page(request: StaffRequest) -> HttpResponse:
    """Weekly hours of every therapist whom the user may see, in seven queries."""
    if not request.user.has_perm("booking.view_shift"):
        raise PermissionDenied
    today = timezone.localdate()  # the clinic’s: its zone is the active one
    context = {
        **admin.site.each_context(request),
        "title": "Hours",
        "everyones_hours": _everyones_hours(request, today),
        "may_change": request.user.has_perms(CHANGE_HOURS),
        "absences": _coming_absences(request),
        "recurring": recurring_lines(request.user),
        "overrides": _coming_overrides(request, today),
        "may_block": request.user.has_perm("booking.add_absence"),
        "may_close": request.user.has_perms(["booking.add_absence", SEE_EVERY_PATIENT]),
    }
    return render(request, "booking/desk/hours/hours.html", context)


def _everyones_hours(request: StaffRequest, today: date) -> list[Hours]:
    therapists = list(Therapist.objects.seen_by(request.user))
    shifts: dict[int, list[Shift]] = {therapist.pk: [] for therapist in therapists}
    for shift in Shift.objects.filter(therapist__in=therapists):
        shifts[shift.therapist_id].append(shift)
    return [Hours.of(therapist, shifts[therapist.pk], today) for therapist in therapists]


def _coming_absences(request: StaffRequest) -> list[Absence]:
    absences = Absence.objects.seen_by(request.user).filter(ends_at__gt=timezone.now(), recurring__isnull=True)
    return list(absences.select_related("therapist").order_by("starts_at")[:MOST_LISTED])


def _coming_overrides(request: StaffRequest, today: date) -> list[Override]:
    overrides = Override.objects.seen_by(request.user).filter(day__gte=today)
    return list(overrides.select_related("therapist").order_by("day", "opens")[:MOST_LISTED])
