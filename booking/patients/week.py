"""A week of free times, as the pages for booking and for moving a visit show it, and the closest ones to a start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import SuspiciousOperation, ValidationError
from django.http import HttpRequest
from django.utils import timezone

from booking.fields import StartField
from booking.models import Appointment, Clinic, FreeTimes, Terms, Therapist, free_times
from booking.models.parts_of_day import NOON
from revival.base.clock import bounds_of_days
from revival.base.words import clock, iso, month_days

DAYS_ON_A_PAGE = 7
FEW = 4  # starts of half a day that are seen at once; more would bury the other days
LOOK_FIRST_DAYS = 13  # most people find a time in two weeks; only if not, all days are searched


class Slot(NamedTuple):
    """A free start as its button shows it; the words are made here, since a week has a hundred of them."""

    value: str
    hour: str


class Half(NamedTuple):
    """The free starts of a day before noon, or those from noon on; `few` are spread over them when there are many."""

    is_morning: bool
    slots: list[Slot]
    few: list[Slot]


@dataclass(frozen=True)
class Day:
    """A clinic-local date with its free starts; without any, it has no halves."""

    date: date
    halves: list[Half]


def week_of_free_times(
    request: HttpRequest,
    terms: Terms,
    therapists: Sequence[Therapist],
    *,
    besides: Appointment | None,
    refused: datetime | None = None,
) -> dict[str, object]:
    """Context of `booking/patients/_week.html`: the first free time, seven days from `?from=`, and the weeks around.

    `?at=` is the very start that a link showed: it is `chosen`, or `gone` when it is no longer free. After `refused`,
    the start that could not be had, the week shown is one that holds it. The time of `besides` counts as free; for a
    visit that would move, the very start it has is left out.
    """
    now, zone = timezone.now(), Clinic.objects.current().zone
    today, last = now.astimezone(zone).date(), terms.last_day(now, zone)

    def find(first: date, last: date) -> list[datetime]:
        free = free_times(terms, therapists, first=first, last=last, now=now, zone=zone, besides=besides)
        return _without_own(free, besides)

    soon = min(today + timedelta(days=LOOK_FIRST_DAYS), last)
    free = find(today, soon)
    further = [] if free else find(soon, last)
    first_free = next(iter(free or further), None)
    linked_start = _linked_start(request)
    first = _first_day(linked_start, _linked_day(request), refused, zone) or (first_free or now).astimezone(zone).date()
    dates = _dates(min(max(first, today), last), last)
    if dates[-1] > soon:
        free = further or find(dates[0], dates[-1])
    shown = bounds_of_days(dates[0], dates[-1], zone)
    starts = [start for start in free if shown.start <= start < shown.end]
    chosen = linked_start if linked_start in starts else None
    days = _days(dates, [start.astimezone(zone) for start in starts])
    has_earlier = first_free is not None and first_free.astimezone(zone).date() < dates[0]
    return {
        "first_free": first_free,
        "chosen": chosen,
        "gone": linked_start if linked_start not in starts else None,
        "days": days,
        "week_title": month_days(dates[0], dates[-1]),
        "days_with_times": [day for day in days if day.halves],
        "earlier": max(today, dates[0] - timedelta(days=DAYS_ON_A_PAGE)) if has_earlier else None,
        "later": dates[-1] + timedelta(days=1) if dates[-1] < last else None,
    }


def _first_day(at: datetime | None, linked: date | None, refused: datetime | None, zone: ZoneInfo) -> date | None:
    """The first day to show: where the person was when a start was refused, else where the link leads."""
    if refused is not None:
        day = refused.astimezone(zone).date()
        was_there = linked is not None and linked <= day < linked + timedelta(days=DAYS_ON_A_PAGE)
        return linked if was_there else day
    return at.astimezone(zone).date() if at else linked


def _without_own(free: FreeTimes, besides: Appointment | None) -> list[datetime]:
    """Free starts of all therapists, each once, in order; without the one that the visit to be moved has."""
    starts = {start for own in free.values() for start in own}
    if besides is not None and not besides.is_hold:
        starts.discard(besides.starts_at)
    return sorted(starts)


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


def _days(dates: Sequence[date], starts: Sequence[datetime]) -> list[Day]:
    """These dates with their starts; `starts` are on the clinic's clock and in order."""
    halves: dict[date, list[Half]] = {day: [] for day in dates}
    for (day, is_morning), own in groupby(starts, key=lambda start: (start.date(), start.hour < NOON)):
        slots = [Slot(iso(start), clock(start)) for start in own]
        halves[day].append(Half(is_morning, slots, spread(slots) if len(slots) > FEW else []))
    return [Day(day, own) for day, own in halves.items()]


def spread(slots: Sequence[Slot]) -> list[Slot]:
    """The first, the last, and two evenly between them."""
    return [slots[round(place * (len(slots) - 1) / (FEW - 1))] for place in range(FEW)]


def closest_times(
    terms: Terms,
    giving: list[Therapist],
    therapist: Therapist | None,
    start: datetime,
    *,
    zone: ZoneInfo,
    besides: Appointment | None,
) -> list[tuple[Therapist, list[datetime]]]:
    """Up to four free starts of this therapist around `start`, then up to two of each other one.

    When nothing is free in the week before and the week after, the nearest until the horizon.
    """
    now = timezone.now()
    today, last = now.astimezone(zone).date(), terms.last_day(now, zone)
    day, week = min(max(start.astimezone(zone).date(), today), last), timedelta(days=DAYS_ON_A_PAGE)
    find = partial(free_times, terms, giving, now=now, zone=zone, besides=besides)
    free = find(first=day - week, last=day + week)
    if not any(free.values()):
        free = find(first=today, last=last)
    closest = []
    for giver in sorted(giving, key=lambda giver: giver != therapist):
        nearest_first = sorted(free[giver], key=lambda moment: abs(moment - start))
        closest.append((giver, sorted(nearest_first[: 4 if giver == therapist else 2])))
    return [(giver, starts) for giver, starts in closest if starts]
