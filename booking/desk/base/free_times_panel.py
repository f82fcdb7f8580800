"""Free times beside a form: each is a button that puts the time into it and books nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from booking.models import Appointment, Clinic, Service, Therapist, free_times
from revival.base.clock import is_in_era

DAYS_SHOWN = 7
MOST_OWN, MOST_OF_OTHERS = 6, 3  # other times shown to whoever declines a request
LOOK = "look"
"""The name of the buttons that only choose: a free time, or nothing but "show me the free times"."""


def is_looking(request: HttpRequest) -> bool:
    return LOOK in request.POST


def picked(request: HttpRequest) -> datetime | None:
    """The moment that was picked, typed, or in the link that led here; None for what is no moment."""
    text = request.POST.get(LOOK) or request.POST.get("starts_at") or request.GET.get("from", "")
    try:
        moment = datetime.fromisoformat(text)
        if not is_in_era(moment):
            return None
        return moment if moment.tzinfo else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        return None


def free_days(
    therapist: Therapist, service: Service, moment: datetime | None, *, besides: Appointment | None = None
) -> list[tuple[date, list[datetime]]]:
    """The free times of a week from the day of `moment`, as staff may book them. `besides` counts as free."""
    now, zone = timezone.now(), Clinic.objects.current().zone
    first = max((moment or now).astimezone(zone).date(), now.astimezone(zone).date())
    last = first + timedelta(days=DAYS_SHOWN - 1)
    wide = service.for_staff()
    free = free_times(therapists=[therapist], service=wide, first=first, last=last, now=now, zone=zone, besides=besides)
    days: dict[date, list[datetime]] = {}
    for start in free[therapist.pk]:
        days.setdefault(start.astimezone(zone).date(), []).append(start)
    return list(days.items())


def beside_form(therapist: Therapist, service: Service, moment: datetime | None, **facts: Any) -> dict[str, Any]:
    """What `booking/desk/base/_free_times.html` draws."""
    return {
        "days": free_days(therapist, service, moment, **facts),
        "free_with": therapist,
        "free_for": service,
        "chosen": moment,
    }


def nearest_others(visit: Appointment) -> list[tuple[Therapist, datetime]]:
    """Free times nearest to the one a patient asked for: each therapist's, the asked one's first."""
    now, zone = timezone.now(), Clinic.objects.current().zone
    day = visit.starts_at.astimezone(zone).date()
    giving = sorted(Therapist.objects.giving(visit.service), key=lambda one: (one != visit.therapist, one.name))
    first, last = day - timedelta(days=DAYS_SHOWN), day + timedelta(days=DAYS_SHOWN)
    free = free_times(therapists=giving, service=visit.service, first=first, last=last, now=now, zone=zone)
    found: list[tuple[Therapist, datetime]] = []
    for therapist in giving:
        most = MOST_OWN if therapist == visit.therapist else MOST_OF_OTHERS
        near = sorted(free[therapist.pk], key=lambda start: abs(start - visit.starts_at))[:most]
        found += [(therapist, start) for start in sorted(near)]
    return found
