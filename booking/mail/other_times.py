"""Other free times that a mail offers in place of a request that was declined or not answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from booking.models import Appointment, Clinic, Service, Therapist, free_times
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
    service = appointment.service
    therapists = {therapist.pk: therapist for therapist in Therapist.objects.giving(service)}
    free = _free_times(list(therapists.values()), service, clinic)
    still_free = [time for time in suggested if time.starts_at in free.get(time.therapist_id, ())]
    times = still_free or _nearest(appointment, free.get(appointment.therapist_id, []))
    return [
        (time.starts_at, therapists[time.therapist_id], _day_url(therapists[time.therapist_id], service, time, clinic))
        for time in times[:MOST_OTHER_TIMES]
    ]


def _free_times(therapists: list[Therapist], service: Service, clinic: Clinic) -> dict[int, list[datetime]]:
    now = timezone.now()
    today = now.astimezone(clinic.zone).date()
    last = today + timedelta(days=service.horizon_days)
    return free_times(therapists=therapists, service=service, first=today, last=last, now=now, zone=clinic.zone)


def _nearest(appointment: Appointment, starts: list[datetime]) -> list[OtherTime]:
    requested = Span(appointment.blocked.lower, appointment.blocked.upper)
    length = appointment.service.length + appointment.service.turnaround
    elsewhere = [start for start in starts if not Span(start, start + length).overlaps(requested)]
    nearest = sorted(elsewhere, key=lambda start: abs(start - appointment.starts_at))[:MOST_OTHER_TIMES]
    return [OtherTime(appointment.therapist_id, start) for start in sorted(nearest)]


def _day_url(therapist: Therapist, service: Service, time: OtherTime, clinic: Clinic) -> str:
    path = reverse("booking:slots", args=[therapist.slug, service.slug])
    return f"{settings.SITE_URL}{path}?from={time.starts_at.astimezone(clinic.zone).date()}"
