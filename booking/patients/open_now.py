"""Whether the clinic can be called now, as a piece of HTML that a script puts into cached pages."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking.models import Clinic, clinic_calendar
from revival.base.clock import Span


@never_cache
@require_safe
def open_now(request: HttpRequest) -> HttpResponse:
    """Call, and until when; or closed, and a way to leave a number. Nothing while no opening hours are entered."""
    clinic = Clinic.objects.current_if_any()
    if clinic is None or not clinic.week:
        return HttpResponse()
    return render(request, "booking/patients/_open_now.html", {"open_until": _open_until(clinic, timezone.now())})


def _open_until(clinic: Clinic, now: datetime) -> datetime | None:
    return clinic_calendar(clinic, Span(now, now)).open_until(now)
