"""A week of free times, as the pages for booking and for moving a visit show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.core.exceptions import SuspiciousOperation, ValidationError
from django.http import HttpRequest
from django.utils import timezone

from booking.fields import StartField
from booking.models import Appointment, Clinic, Service, Therapist, free_times
from booking.models.waitlist import NOON
from revival.base.clock import Span, bounds_of_days

DAYS_ON_A_PAGE = 7
LOOK_FIRST_DAYS = 13  # most people find a time in two weeks; only if not, all days are searched


@dataclass(frozen=True)
class Day:
    """A clinic-local date with its free starts in UTC, before noon and from noon on."""

    date: date
    morning: list[datetime]
    afternoon: list[datetime]


def week_of_free_times(
    request: HttpRequest, therapists: list[Therapist], service: Service, *, besides: Appointment | None
) -> dict[str, object]:
    """Context of `booking/patients/_week.html`: the first free time, seven days from `?from=`, and the weeks around.

    `?at=` is the very start that a link showed: it is `chosen`, or `gone` when it is no longer free.
    The time of `besides` counts as free; for a visit that would move, the very start it has is left out.
    """
    now, zone = timezone.now(), Clinic.objects.current().zone
    today = now.astimezone(zone).date()
    last = today + timedelta(days=service.horizon_days)
    find = partial(free_times, therapists=therapists, service=service, now=now, zone=zone, besides=besides)
    soon = min(today + timedelta(days=LOOK_FIRST_DAYS), last)
    free = find(first=today, last=soon)
    first_free = _earliest(free) or _earliest(find(first=soon, last=last))
    linked_start = _linked_start(request)
    first = linked_start.astimezone(zone).date() if linked_start else _linked_day(request)
    first = first or (first_free or now).astimezone(zone).date()
    dates = _dates(min(max(first, today), last), last)
    if dates[-1] > soon:
        free = find(first=dates[0], last=dates[-1])
    starts = _starts(free, bounds_of_days(dates[0], dates[-1], zone), besides)
    days = [_day(date, starts, zone) for date in dates]
    return {
        "first_free": first_free,
        "first_shown": starts[0] if starts else None,
        "chosen": linked_start if linked_start in starts else None,
        "gone": linked_start if linked_start not in starts else None,
        "days": days,
        "days_with_times": [day for day in days if day.morning or day.afternoon],
        "earlier": max(today, dates[0] - timedelta(days=DAYS_ON_A_PAGE)) if dates[0] > today else None,
        "later": dates[-1] + timedelta(days=1) if dates[-1] < last else None,
    }


def _earliest(free: dict[int, list[datetime]]) -> datetime | None:
    return min((starts[0] for starts in free.values() if starts), default=None)


def _linked_day(request: HttpRequest) -> date | None:
    text = request.GET.get("from", "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SuspiciousOperation("not a date") from error


def _linked_start(request: HttpRequest) -> datetime | None:
    try:
        return StartField(max_length=40, required=False).clean(request.GET.get("at", ""))
    except ValidationError as error:
        raise SuspiciousOperation("not a start") from error


def _dates(first: date, last: date) -> list[date]:
    dates = [first + timedelta(days=number) for number in range(DAYS_ON_A_PAGE)]
    return [date for date in dates if date <= last]


def _starts(free: dict[int, list[datetime]], span: Span, besides: Appointment | None) -> list[datetime]:
    """Free starts of all therapists within the span, each once, in order."""
    starts = {start for starts in free.values() for start in starts if span.start <= start < span.end}
    if besides is not None and not besides.is_hold:
        starts.discard(besides.starts_at)
    return sorted(starts)


def _day(date: date, starts: list[datetime], zone: ZoneInfo) -> Day:
    own = [start for start in starts if start.astimezone(zone).date() == date]
    return Day(
        date=date,
        morning=[start for start in own if start.astimezone(zone).hour < NOON],
        afternoon=[start for start in own if start.astimezone(zone).hour >= NOON],
    )
