"""The day on paper, for when the site is away: times, therapists, first names and telephones, nothing of health."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.availability import ONE_DAY, bounds_of_days
from booking.models import AccessLog, Appointment, Clinic, Look, State, Therapist

from .calendar import chosen_day

EXPECTED = (State.REQUESTED, State.CONFIRMED, State.ARRIVED, State.COMPLETED)


@require_safe
def day_sheet(request: HttpRequest) -> HttpResponse:
    """`?day=YYYY-MM-DD`; without it, today."""
    if not request.user.has_perm("booking.view_appointment"):
        raise PermissionDenied
    clinic, now = get_object_or_404(Clinic), timezone.now()
    day = chosen_day(request.GET.get("day"), now.astimezone(clinic.zone).date())
    AccessLog.objects.note(request.user, Look.DAY_SHEET)
    context = {
        **admin.site.each_context(request),
        "title": "Day sheet",
        "day": day,
        "now": now,
        "lists": _by_therapist(request.user, day, clinic),
        "before": day - ONE_DAY,
        "after": day + ONE_DAY,
    }
    return render(request, "admin/booking/day_sheet.html", context)


def _by_therapist(user: Any, day: date, clinic: Clinic) -> list[tuple[Therapist, list[Appointment]]]:
    bounds = bounds_of_days(day, day, clinic.zone)
    visits = Appointment.objects.seen_by(user).filter(state__in=EXPECTED)
    rows = list(visits.filter(starts_at__gte=bounds.start, starts_at__lt=bounds.end).order_by("starts_at"))
    return [
        (therapist, [visit for visit in rows if visit.therapist_id == therapist.pk])
        for therapist in Therapist.objects.seen_by(user)
    ]
