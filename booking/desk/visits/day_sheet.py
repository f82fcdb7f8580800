"""Day sheet: the visits of one day, as a page to print."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.actions import visits_by_therapist
from booking.models import AccessLog, Appointment, Clinic, Look, Therapist
from revival.base.clock import ONE_DAY
from revival.base.desk_parts.staff_request import StaffRequest

from .calendar import chosen_day


@require_safe
def day_sheet(request: StaffRequest) -> HttpResponse:
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
        "lists": visits_by_therapist(
            day,
            clinic=clinic,
            therapists=Therapist.objects.seen_by(request.user),
            visits=Appointment.objects.seen_by(request.user),
        ),
        "before": day - ONE_DAY,
        "after": day + ONE_DAY,
    }
    return render(request, "booking/desk/visits/day_sheet.html", context)
