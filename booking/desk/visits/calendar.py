"""The calendar page: a week or a day, one lane per therapist."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.models import AccessLog, Appointment, Clinic, Look, Therapist
from revival.base.clock import ONE_DAY, is_in_era
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.words import month_day

from .drawing import SHOWN, Day, draw

MOST_NARROW = 7  # lanes that can be read beside each other on a tablet held upright


@require_safe
def calendar(request: StaffRequest) -> HttpResponse:
    """`?from=YYYY-MM-DD`, `view=day` for one day, `therapist=<slug>` for one of them."""
    if not request.user.has_perm("booking.view_appointment"):
        raise PermissionDenied
    clinic, now = get_object_or_404(Clinic), timezone.now()
    today = now.astimezone(clinic.zone).date()
    is_day = request.GET.get("view") == "day"
    day = chosen_day(request.GET.get("from"), today)
    first = day if is_day else day - timedelta(days=day.weekday())
    last = first if is_day else first + timedelta(days=6)
    everyone = list(Therapist.objects.seen_by(request.user))
    slug = request.GET.get("therapist", "")
    chosen = [therapist for therapist in everyone if slug in ("", therapist.slug)]
    frame, days = draw(chosen, Appointment.objects.seen_by(request.user), first, last, now=now, zone=clinic.zone)
    days = days if is_day else _without_empty_weekend(days)
    AccessLog.objects.note(request.user, Look.CALENDAR)
    step = ONE_DAY if is_day else timedelta(days=7)
    context = {
        **admin.site.each_context(request),
        "title": f"{_title(first, days[-1].day)}: calendar",
        "days": days,
        "is_narrow": len(days) * len(chosen) <= MOST_NARROW,
        "frame": frame,
        "first": first,
        "last": days[-1].day,
        "is_day": is_day,
        "therapists": everyone,
        "therapist": slug,
        "earlier": first - step,
        "later": first + step,
        "next_day": today if first <= today <= last else first,
        "today": today,
        "now": now,
        "legend": [(state.value, state.label) for state in SHOWN],
        "clock_row": frame.row_of(now),
    }
    return render(request, "booking/desk/visits/calendar.html", context)


def _without_empty_weekend(days: list[Day]) -> list[Day]:
    return [day for day in days if day.day.weekday() < 5 or any(lane.blocks for lane in day.lanes)]


def _title(first: date, last: date) -> str:
    """November 30 to December 4"""
    return month_day(first) + (f" to {month_day(last)}" if first != last else "")


def chosen_day(text: str | None, today: date) -> date:
    """The day in an address; today without one. Raises Http404 for anything that is not a date."""
    try:
        day = date.fromisoformat(text) if text else today
    except ValueError as error:
        raise Http404 from error
    if not is_in_era(day):
        raise Http404
    return day
