"""Panel of free times beside a form: each is a button that puts the time into the form and books nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from booking.models import Appointment, Clinic, Terms, Therapist, ask, free_times
from revival.base.clock import ONE_DAY, is_in_era

from .causes import never_words, sentences

DAYS_SHOWN = 7
MOST_OWN, MOST_OF_OTHERS = 6, 3  # other times shown when a request is declined
LOOK = "look"
"""Name of the buttons that only show or choose a free time."""


def is_looking(request: HttpRequest) -> bool:
    """Whether the form was sent to choose a free time, or to see them; nothing is saved then."""
    return LOOK in request.POST


def picked_start(request: HttpRequest) -> datetime | None:
    """The start that was picked, typed, or named by `?from=`; None when it is no time."""
    text = request.POST.get(LOOK) or request.POST.get("starts_at") or request.GET.get("from", "")
    try:
        moment = datetime.fromisoformat(text)
        if not is_in_era(moment):
            return None
        return moment if moment.tzinfo else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        return None


def free_times_context(
    therapist: Therapist, terms: Terms, moment: datetime | None, *, besides: Appointment | None = None
) -> dict[str, object]:
    """Context of `booking/desk/base/_free_times.html`: the free times of the seven days from that of `moment`.

    When nothing is free then, those of seven days from the next free time. `not_free` says why `moment` itself is
    not free, `never` why nothing ever is. Time of `besides` counts as free.
    """
    now, zone = timezone.now(), Clinic.objects.current().zone
    asked = Therapist.objects.for_service(terms.service).get(pk=therapist.pk)
    first = max(moment or now, now).astimezone(zone).date()
    last = first + (DAYS_SHOWN - 1) * ONE_DAY
    answer = ask(terms, [asked], first=first, last=last, now=now, zone=zone, besides=besides)
    starts, never = answer.free_times[asked], never_words(terms, asked)
    is_further = not starts and not never
    if is_further:
        further = free_times(
            terms, [asked], first=last, last=terms.last_day(now, zone), now=now, zone=zone, besides=besides
        )
        starts = further[asked]
    is_free = moment is None or moment in starts
    return {
        "days": _first_days(starts, zone),
        "free_with": therapist,
        "free_for": terms.service,
        "chosen": moment,
        "never": never,
        "not_free": [] if is_free or never else sentences([answer.why_not(asked, cast(datetime, moment))], now=now)[0],
        "is_further": is_further,
    }


def _first_days(starts: Sequence[datetime], zone: ZoneInfo) -> list[tuple[date, list[datetime]]]:
    """The starts by day, those of seven days from the first one."""
    days: dict[date, list[datetime]] = {}
    for start in starts:
        days.setdefault(start.astimezone(zone).date(), []).append(start)
    return [(day, own) for day, own in days.items() if day < min(days) + DAYS_SHOWN * ONE_DAY]


def nearest_others(visit: Appointment) -> list[tuple[Therapist, datetime]]:
    """Free times nearest to the one a patient asked for: first with the therapist asked for, then with others.

    The patient would book them anew, by the links in the message.
    """
    now, zone, terms = timezone.now(), Clinic.objects.current().zone, Terms.anew(visit.service)
    day = visit.starts_at.astimezone(zone).date()
    giving = sorted(
        Therapist.objects.giving(visit.service), key=lambda therapist: (therapist != visit.therapist, therapist.name)
    )
    find = partial(free_times, terms, giving, now=now, zone=zone)
    free = find(first=day - DAYS_SHOWN * ONE_DAY, last=day + DAYS_SHOWN * ONE_DAY)
    if not any(free.values()):
        free = find(first=now.astimezone(zone).date(), last=terms.last_day(now, zone))
    others: list[tuple[Therapist, datetime]] = []
    for therapist in giving:
        most = MOST_OWN if therapist == visit.therapist else MOST_OF_OTHERS
        nearest = sorted(free[therapist], key=lambda start: abs(start - visit.starts_at))[:most]
        others += [(therapist, start) for start in sorted(nearest)]
    return others
