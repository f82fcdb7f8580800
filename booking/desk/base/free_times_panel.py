"""Panel of free times beside a form: each is a button that puts the time into the form and books nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from booking.models import Appointment, Clinic, Service, Therapist, free_times
from revival.base.clock import is_in_era

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


def free_days(
    therapist: Therapist, service: Service, moment: datetime | None, *, besides: Appointment | None = None
) -> list[tuple[date, list[datetime]]]:
    """The starts that staff can book in the seven days from the day of `moment`. Time of `besides` counts as free."""
    now, zone = timezone.now(), Clinic.objects.current().zone
    first = max((moment or now).astimezone(zone).date(), now.astimezone(zone).date())
    last = first + timedelta(days=DAYS_SHOWN - 1)
    rules = service.for_staff()
    free = free_times(
        therapists=[therapist], service=rules, first=first, last=last, now=now, zone=zone, besides=besides
    )
    days: dict[date, list[datetime]] = {}
    for start in free[therapist.pk]:
        days.setdefault(start.astimezone(zone).date(), []).append(start)
    return list(days.items())


def free_times_context(
    therapist: Therapist, service: Service, moment: datetime | None, *, besides: Appointment | None = None
) -> dict[str, object]:
    """Context of `booking/desk/base/_free_times.html`."""
    return {
        "days": free_days(therapist, service, moment, besides=besides),
        "free_with": therapist,
        "free_for": service,
        "chosen": moment,
    }


def nearest_others(visit: Appointment) -> list[tuple[Therapist, datetime]]:
    """Free times nearest to the one a patient asked for: first with the therapist asked for, then with others."""
    now, zone = timezone.now(), Clinic.objects.current().zone
    day = visit.starts_at.astimezone(zone).date()
    therapists = sorted(
        Therapist.objects.giving(visit.service), key=lambda therapist: (therapist != visit.therapist, therapist.name)
    )
    first, last = day - timedelta(days=DAYS_SHOWN), day + timedelta(days=DAYS_SHOWN)
    free = free_times(therapists=therapists, service=visit.service, first=first, last=last, now=now, zone=zone)
    others: list[tuple[Therapist, datetime]] = []
    for therapist in therapists:
        most = MOST_OWN if therapist == visit.therapist else MOST_OF_OTHERS
        nearest = sorted(free[therapist.pk], key=lambda start: abs(start - visit.starts_at))[:most]
        others += [(therapist, start) for start in sorted(nearest)]
    return others
