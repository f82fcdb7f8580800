"""Whether the clinic can be called now, as a piece of HTML that a script puts into cached pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking.models import Clinic, clinic_calendar
from revival.base.clock import ONE_DAY, Span


@never_cache
@require_safe
def open_now(request: HttpRequest) -> HttpResponse:
    """Call, and until when; or closed, and a way to leave a number. Nothing while no opening hours are entered."""
    clinic = Clinic.objects.current_if_any()
    if clinic is None or not clinic.week:
        return HttpResponse()
    now = timezone.now()
    until = clinic_calendar(clinic, Span(now, now)).open_until(now)
    # An hour of another day would be read as one of today.
    context = {"is_open": until is not None, "until": until if until and until <= now + ONE_DAY else None}
    return render(request, "booking/patients/_open_now.html", context)
