"""Other free times that a mail offers in place of a request that was declined or not answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from booking.models import Appointment, Clinic, FreeTimes, Service, Terms, Therapist, free_times
from revival.base.clock import Span

MOST_OTHER_TIMES = 3


@dataclass(frozen=True)
class OtherTime:
    """A time at which the patient might come instead: the therapist's id, and the start in UTC."""

    therapist_id: int
    starts_at: datetime

    def to_json(self) -> list[int | str]:
        """The form in which `Message.suggested` keeps it."""
        return [self.therapist_id, self.starts_at.isoformat()]

    @classmethod
    def from_json(cls, row: list[int | str]) -> OtherTime:
        therapist_id, starts_at = row
        return cls(int(therapist_id), datetime.fromisoformat(str(starts_at)))


def free_other_times(
    appointment: Appointment, clinic: Clinic, suggested: list[OtherTime]
) -> list[tuple[datetime, Therapist, str]]:
    """Start, therapist and the address of the day: the suggested times that are free now, else the nearest ones.

    The nearest are those with the same therapist, without the time asked for, which is free again by now.
    """
    terms = Terms.anew(appointment.service)
    free = _free_times(terms, clinic)
    therapists = {therapist.pk: therapist for therapist in free}
    times = [
        time
        for time in suggested
        if time.therapist_id in therapists and time.starts_at in free[therapists[time.therapist_id]]
    ]
    times = times or _nearest(appointment, terms, free.get(appointment.therapist, []))
    places = [(time, therapists[time.therapist_id]) for time in times[:MOST_OTHER_TIMES]]
    return [(time.starts_at, therapist, _day_url(therapist, terms.service, time, clinic)) for time, therapist in places]


def _free_times(terms: Terms, clinic: Clinic) -> FreeTimes:
    """What the patient can book anew, which is what the links in the mail lead to."""
    now, zone = timezone.now(), clinic.zone
    first, last = now.astimezone(zone).date(), terms.last_day(now, zone)
    giving = Therapist.objects.giving(terms.service)
    return free_times(terms, giving, first=first, last=last, now=now, zone=zone)


def _nearest(appointment: Appointment, terms: Terms, starts: list[datetime]) -> list[OtherTime]:
    requested = Span(appointment.blocked.lower, appointment.blocked.upper)
    elsewhere = [start for start in starts if not terms.blocked_from(start).overlaps(requested)]
    nearest = sorted(elsewhere, key=lambda start: abs(start - appointment.starts_at))[:MOST_OTHER_TIMES]
    return [OtherTime(appointment.therapist_id, start) for start in sorted(nearest)]


def _day_url(therapist: Therapist, service: Service, time: OtherTime, clinic: Clinic) -> str:
    path = reverse("booking:slots", args=[therapist.slug, service.slug])
    return f"{settings.SITE_URL}{path}?from={time.starts_at.astimezone(clinic.zone).date()}"
