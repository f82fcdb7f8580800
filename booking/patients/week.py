"""A week of free times, as the pages for booking and for moving a visit show it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import SuspiciousOperation, ValidationError
from django.http import HttpRequest
from django.utils import timezone

from booking.fields import StartField
from booking.models import Appointment, Clinic, Service, Therapist, free_times
from revival.base.clock import bounds_of_days

DAYS_ON_A_PAGE = 7
LOOK_FIRST_DAYS = 13  # most people find a time in two weeks; only if not, look at all


def week_of_free_times(
    request: HttpRequest, therapists: list[Therapist], service: Service, *, besides: Appointment | None
) -> dict[str, Any]:
    """What `booking/patients/_week.html` draws: the first free time, seven days from `?from=`, and where else to go.

    `?at=` names the very start that a link showed: it is `chosen`, or `gone` when it is no longer free.
    The time of `besides` counts as free; for a visit that would move, the very start it has is left out.
    """
    now, zone = timezone.now(), Clinic.objects.current().zone
    today = now.astimezone(zone).date()
    last = today + timedelta(days=service.horizon_days)
    ask = partial(free_times, therapists=therapists, service=service, now=now, zone=zone, besides=besides)
    soon = min(today + timedelta(days=LOOK_FIRST_DAYS), last)
    free = ask(first=today, last=soon)
    first_free = _earliest(free) or _earliest(ask(first=soon, last=last))
    asked = _asked_start(request)
    first = asked.astimezone(zone).date() if asked else _asked_day(request)
    first = first or (first_free or now).astimezone(zone).date()
    first = min(max(first, today), last)
    days = [first + timedelta(days=n) for n in range(DAYS_ON_A_PAGE) if first + timedelta(days=n) <= last]
    shown = bounds_of_days(days[0], days[-1], zone)
    if days[-1] > soon:
        free = ask(first=days[0], last=days[-1])
    by_day: dict[date, list[datetime]] = {}
    starts = {start for starts in free.values() for start in starts if shown.start <= start < shown.end}
    if besides is not None and not besides.is_hold:
        starts.discard(besides.starts_at)
    for start in sorted(starts):
        by_day.setdefault(start.astimezone(zone).date(), []).append(start)
    drawn = [_day(day, by_day.get(day, []), zone) for day in days]
    return {
        "first_free": first_free,
        "first_shown": min(starts, default=None),
        "chosen": asked if asked in starts else None,
        "gone": asked if asked not in starts else None,
        "days": drawn,
        "days_with_times": [day for day in drawn if day["date"] in by_day],
        "earlier": max(today, first - timedelta(days=DAYS_ON_A_PAGE)) if first > today else None,
        "later": days[-1] + timedelta(days=1) if days[-1] < last else None,
    }


def _earliest(free: dict[int, list[datetime]]) -> datetime | None:
    return min((starts[0] for starts in free.values() if starts), default=None)


def _asked_day(request: HttpRequest) -> date | None:
    text = request.GET.get("from", "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SuspiciousOperation("not a date") from error


def _asked_start(request: HttpRequest) -> datetime | None:
    try:
        return StartField(max_length=40, required=False).clean(request.GET.get("at", ""))
    except ValidationError as error:
        raise SuspiciousOperation("not a start") from error


def _day(day: date, starts: list[datetime], zone: ZoneInfo) -> dict[str, Any]:
    return {
        "date": day,
        "morning": [start for start in starts if start.astimezone(zone).hour < 12],
        "afternoon": [start for start in starts if start.astimezone(zone).hour >= 12],
    }
