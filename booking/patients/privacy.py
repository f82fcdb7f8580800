"""Privacy page: what the clinic keeps, why, for how long, and how to have it erased."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    context = {
        "keep_days": settings.BOOKING_KEEP_DAYS,
        "unanswered_days": settings.BOOKING_KEEP_UNANSWERED_DAYS,
        "log_days": settings.LOG_KEEP_DAYS,
        "hold_minutes": settings.BOOKING_HOLD_MINUTES,
    }
    return render(request, "booking/patients/privacy.html", context)
