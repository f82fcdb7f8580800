"""Close the whole clinic on public holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.models import SEE_EVERY_PATIENT, Absence, Appointment, Therapist
from booking.time.holidays import public_days
from revival.base.bidi import isolate
from revival.base.clock import Span, bounds_of_days
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.words import date_words

from .in_the_way import InTheWay, visits_shown


@dataclass(frozen=True)
class Holiday:
    """A suggested day, the absence that already closes the clinic on it, and the visits on it."""

    day: date
    name: str
    closed: Absence | None
    visits: list[Appointment]


@require_http_methods(["GET", "HEAD", "POST"])
def holidays_page(request: StaffRequest) -> HttpResponse:
    """Choose the days on which the whole clinic is closed. Sending the same day twice closes it once."""
    if not request.user.has_perms(["booking.view_absence", "booking.add_absence", SEE_EVERY_PATIENT]):
        raise PermissionDenied
    holidays, is_place_known = _suggested()
    if request.method != "POST":
        return _list(request, holidays, is_place_known=is_place_known)
    ticked = [holiday for holiday in holidays if holiday.day.isoformat() in request.POST.getlist("day")]
    if len(ticked) != len(set(request.POST.getlist("day"))):
        error = "One of these days has gone by, or is not a public holiday."
        return _list(request, holidays, error=error, status=422)
    to_close = [holiday for holiday in ticked if holiday.closed is None]
    if not to_close:
        return _list(request, holidays, error="Choose a day that is still open. Nothing was changed.", status=422)
    if request.POST.get("do") == "save":
        return _save(request, holidays, to_close)
    return _preview(request, to_close)


def _save(request: StaffRequest, holidays: list[Holiday], to_close: list[Holiday]) -> HttpResponse:
    try:
        closed = actions.close_clinic(
            days={holiday.day: holiday.name for holiday in to_close}, accepted=visits_shown(request)
        )
    except actions.VisitsInTheWayError:
        return _preview(request, to_close, has_more=True, status=409)
    except actions.NotOfferedError:
        return _list(request, holidays, error="One of these days has gone by.", status=409)
    django_messages.success(request, _closed_message(closed))
    return redirect("admin:holidays")


def _suggested() -> tuple[list[Holiday], bool]:
    """Holidays still to come this year and next, and whether their place (CLINIC_HOLIDAYS) is known."""
    today, zone = timezone.localdate(), timezone.get_current_timezone()  # the clinic’s
    try:
        days = public_days(settings.CLINIC_HOLIDAYS, [today.year, today.year + 1])
    except LookupError:
        return [], False
    names: dict[date, str] = {day: name for day, name in days if day >= today}
    spans = {day: bounds_of_days(day, day, zone) for day in names}
    if not spans:
        return [], True
    reach = Span(min(span.start for span in spans.values()), max(span.end for span in spans.values()))
    closings = list(Absence.objects.filter(therapist__isnull=True).touching(reach))
    visits = actions.visits_within(therapists=Therapist.objects.all(), spans=spans.values())
    return [
        Holiday(
            day,
            names[day],
            next((absence for absence in closings if absence.span.contains(span)), None),
            [visit for visit in visits if visit.span.overlaps(span)],
        )
        for day, span in spans.items()
    ], True


def _list(
    request: StaffRequest, holidays: list[Holiday], *, is_place_known: bool = True, error: str = "", status: int = 200
) -> HttpResponse:
    years = sorted({holiday.day.year for holiday in holidays})
    context = {
        **admin.site.each_context(request),
        "title": "Public holidays",
        "years": [(year, [holiday for holiday in holidays if holiday.day.year == year]) for year in years],
        "place": settings.CLINIC_HOLIDAYS,
        "is_place_known": is_place_known,
        "ticked": request.POST.getlist("day"),
        "error": error,
    }
    return render(request, "booking/desk/hours/holidays.html", context, status=status)


def _preview(
    request: StaffRequest, to_close: list[Holiday], *, has_more: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "See what is booked before the clinic is closed",
        "to_close": to_close,
        "in_the_way": InTheWay.of([visit for holiday in to_close for visit in holiday.visits]),
        "has_more": has_more,
    }
    return render(request, "booking/desk/hours/holidays_preview.html", context, status=status)


def _closed_message(closed: list[Absence]) -> str:
    if not closed:
        return "These days were closed already; nothing was changed."
    dates = [(isolate(absence.reason), date_words(timezone.localdate(absence.starts_at))) for absence in closed]
    days = ", ".join(f"{holiday} ({day})" for holiday, day in dates)
    return f"The whole clinic is closed on {days}."
