"""Middleware that reads the clinic at most once a request, and activates its time zone on pages that show times."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from booking.models import Clinic, reading_clinic_once

PATHS = ("/book/", "/visits/", "/waitlist/", "/therapists/", "/articles/", "/admin/")


def clinic_time(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        with reading_clinic_once():
            if not request.path_info.startswith(PATHS):
                return get_response(request)
            clinic = Clinic.objects.current_if_any()
            with timezone.override(clinic.zone if clinic else None):
                return get_response(request)

    return middleware
