"""Plain builders of rows. Each makes what it needs; name only what the test is about."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from booking import actions
from booking.models import Absence, Appointment, Clinic, HeldFor, Service, Shift, State, Therapist

CHICAGO = ZoneInfo("America/Chicago")
_numbers = count(1)


def a_clinic(**facts: Any) -> Clinic:
    given = {"name": "Revival Physical Therapy and Wellness", "phone": "612-605-7594"} | facts
    return Clinic.objects.update_or_create(pk=1, defaults=given)[0]


def a_therapist(slug: str = "peter-stanley", **facts: Any) -> Therapist:
    a_clinic() if not Clinic.objects.exists() else None
    names = {"peter-stanley": ("Dr. Peter Stanley", "Dr. Stanley")}
    name, short = names.get(slug, (slug.replace("-", " ").title(), slug.split("-")[-1].title()))
    return Therapist.objects.create(**{"slug": slug, "name": name, "short_name": short} | facts)


def a_service(*therapists: Therapist, **facts: Any) -> Service:
    given = {
        "name": "Consultation",
        "slug": f"consultation-{next(_numbers)}",
        "minutes": 30,
        "turnaround_minutes": 10,
        "step_minutes": 15,
        "notice_hours": 0,
        "horizon_days": 60,
    } | facts
    service = Service.objects.create(**given)
    service.therapists.set(therapists)
    return service


def working_all_week(therapist: Therapist, opens: time = time(9), closes: time = time(17)) -> None:
    for weekday in range(7):
        Shift.objects.create(therapist=therapist, weekday=weekday, opens=opens, closes=closes)


def in_days(days: int, hour: int = 9, minute: int = 0) -> datetime:
    """So many days from today at that clinic time, in UTC."""
    day = timezone.now().astimezone(CHICAGO).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


def an_appointment(
    therapist: Therapist, service: Service, starts_at: datetime, state: State = State.CONFIRMED, **facts: Any
) -> Appointment:
    visit = Appointment(state=state)
    visit.put_at(therapist=therapist, service=service, starts_at=starts_at)
    if state == State.HELD:
        visit.held_until, visit.held_for = timezone.now() + timedelta(minutes=10), HeldFor.PATIENT
    else:
        visit.name, visit.email, visit.phone = "Ada Example", "ada@example.com", "612-555-0142"
        visit.submission_key = uuid.uuid4()
    for field, value in facts.items():
        setattr(visit, field, value)
    visit.renew_link()
    visit.save()
    return visit


def an_absence(therapist: Therapist | None, starts_at: datetime, ends_at: datetime) -> Absence:
    return Absence.objects.create(therapist=therapist, starts_at=starts_at, ends_at=ends_at)


def some_details(**facts: Any) -> actions.Details:
    given = {
        "name": "Ada Example",
        "email": "ada@example.com",
        "phone": "612-555-0142",
        "is_new_patient": True,
        "consent_version": "test",
    } | facts
    return actions.Details(**given)


def typed_details(**facts: Any) -> dict[str, str]:
    """What a browser posts from the details page, without the hidden fields."""
    given = {
        "name": "Ada Example",
        "email": "ada@example.com",
        "phone": "612-555-0142",
        "is_new_patient": "yes",
        "note": "",
        "patient_name": "",
        "consent": "on",
    }
    return given | facts
