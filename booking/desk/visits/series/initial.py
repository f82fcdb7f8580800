"""What a series form is filled in with: from a link, from a visit to book more like, or from the caller's page."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404
from django.utils import timezone

from booking.desk.base.fields import read_moment
from booking.models import AccessLog, Appointment, Look
from revival.base.clock import ONE_DAY
from revival.base.desk_parts.staff_request import StaffRequest


def initial_values(request: StaffRequest) -> dict[str, object]:
    """`?like=<visit>` fills in patient and place, `therapist=`, `service=` and `from=` the place alone.

    POST comes from the page that books one visit, with what was typed there. Raises Http404 for a visit that is
    not theirs to see.
    """
    initial: dict[str, object] = {"first_day": timezone.localdate() + ONE_DAY, "part": ""}
    if request.method == "POST":
        initial |= {name: value for name, value in request.POST.items() if value and name != "submission_key"}
        return initial | _day_and_clock(read_moment(request.POST.get("starts_at", "")))
    initial |= {name: request.GET[name] for name in ("therapist", "service") if request.GET.get(name)}
    if request.GET.get("like"):
        return initial | _like(request)
    return initial | _day_and_clock(read_moment(request.GET.get("from", "")))


def _like(request: StaffRequest) -> dict[str, object]:
    """Values of an earlier visit; the look at its patient goes to the access log."""
    number = request.GET["like"]
    visits = Appointment.objects.seen_by(request.user).visits().filter(anonymised_at__isnull=True)
    visit = visits.select_related("therapist", "service").filter(pk=number).first() if number.isdecimal() else None
    if visit is None:
        raise Http404
    AccessLog.objects.note(request.user, Look.OPENED, about="appointment", number=visit.pk)
    local = timezone.localtime(visit.starts_at)
    return {
        **{name: getattr(visit, name) for name in ("name", "phone", "email", "patient_name")},
        "therapist": visit.therapist.slug,
        "service": visit.service.slug,
        "is_new_patient": "no",
        "first_day": max(local.date(), timezone.localdate()) + ONE_DAY,
        "clock": local.time(),
    }


def _day_and_clock(moment: datetime | None) -> dict[str, object]:
    """The day to begin on, tomorrow at the earliest, and the time of day."""
    if moment is None:
        return {}
    local = timezone.localtime(moment)
    return {"first_day": max(local.date(), timezone.localdate() + ONE_DAY), "clock": local.time()}
