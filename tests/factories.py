"""Plain builders of rows. Each makes what it needs; name only what the test is about."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from booking import actions
from booking.models import (
    Absence,
    Appointment,
    Clinic,
    ContactRequest,
    FirstChoice,
    FreedTime,
    HeldFor,
    Lookup,
    Offer,
    Outage,
    PartOfDay,
    RecurringAbsence,
    Service,
    Shift,
    State,
    Terms,
    Therapist,
    WaitlistEntry,
    free_times,
    propose,
)
from booking.models.versions import Together
from revival.base.clock import Span

CHICAGO = ZoneInfo("America/Chicago")
_numbers = count(1)


def a_clinic(**fields: Any) -> Clinic:
    values = {"name": "Revival Physical Therapy and Wellness", "phone": "612-605-7594"} | fields
    return Clinic.objects.update_or_create(pk=1, defaults=values)[0]


def a_therapist(slug: str = "peter-stanley", **fields: Any) -> Therapist:
    a_clinic() if not Clinic.objects.exists() else None
    names = {"peter-stanley": ("Dr. Peter Stanley", "Dr. Stanley")}
    name, short = names.get(slug, (slug.replace("-", " ").title(), slug.split("-")[-1].title()))
    return Therapist.objects.create(**{"slug": slug, "name": name, "short_name": short} | fields)


def a_service(*therapists: Therapist, **fields: Any) -> Service:
    values = {
        "name": "Consultation",
        "slug": f"consultation-{next(_numbers)}",
        "minutes": 30,
        "turnaround_minutes": 10,
        "step_minutes": 15,
        "notice_hours": 0,
        "horizon_days": 60,
    } | fields
    service = Service.objects.create(**values)
    service.therapists.set(therapists)
    return service


def working_all_week(therapist: Therapist, opens: time = time(9), closes: time = time(17)) -> None:
    Shift.objects.bulk_create(
        Shift(therapist=therapist, weekday=weekday, opens=opens, closes=closes) for weekday in range(7)
    )


def free_with(therapist: Therapist, terms: Terms, first: date, last: date, now: datetime) -> list[datetime]:
    """The starts that can be booked with one therapist on the days from `first` to `last`."""
    asked = Therapist.objects.for_service(terms.service).filter(pk=therapist.pk)
    zone = Clinic.objects.current().zone
    return free_times(terms, asked, first=first, last=last, now=now, zone=zone)[therapist]


def in_days(days: int, hour: int = 9, minute: int = 0) -> datetime:
    """So many days from today at that clinic time, in UTC."""
    day = timezone.now().astimezone(CHICAGO).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


def an_appointment(
    therapist: Therapist, service: Service, starts_at: datetime, state: State = State.CONFIRMED, **fields: Any
) -> Appointment:
    visit = Appointment(state=state)
    visit.put_at(therapist=therapist, service=service, starts_at=starts_at)
    if state == State.HELD:
        visit.held_until, visit.held_for = timezone.now() + timedelta(minutes=10), HeldFor.PATIENT
    else:
        visit.name, visit.email, visit.phone = "Ada Example", "ada@example.com", "612-555-0142"
        visit.submission_key = uuid.uuid4()
    for field, value in fields.items():
        setattr(visit, field, value)
    visit.renew_link()
    visit.save()
    return visit


def a_series(therapist: Therapist, service: Service, *starts: datetime, **fields: Any) -> list[Appointment]:
    """Visits booked together at the desk, in order."""
    series = actions.book_series(
        therapist=therapist,
        service=service,
        starts=starts,
        details=some_details(**fields),
        submission_key=uuid.uuid4(),
    )
    return list(series.visits.order_by("starts_at"))


def an_absence(therapist: Therapist | None, starts_at: datetime, ends_at: datetime) -> Absence:
    return Absence.objects.create(therapist=therapist, starts_at=starts_at, ends_at=ends_at)


def a_recurring_absence(therapist: Therapist | None, **fields: Any) -> RecurringAbsence:
    """Every day from noon to one, for the coming four weeks unless told otherwise, with its absences."""
    values = {"weekdays": list(range(7)), "begins": time(12), "ends": time(13)}
    values |= {"first_day": day_in(1), "last_day": day_in(28)} | fields
    return actions.save_recurring_absence(rule=RecurringAbsence(therapist=therapist, **values), accepted=())[0]


def day_in(days: int) -> date:
    return timezone.now().astimezone(CHICAGO).date() + timedelta(days=days)


def outage_of(therapist: Therapist, span: Span, **fields: Any) -> Outage:
    """A therapist is out, with the times that would be proposed; `by_phone` are visits that are phoned."""
    now, by_phone = timezone.now(), fields.pop("by_phone", ())
    first, key = fields.pop("first", FirstChoice.OTHER), fields.pop("key", None)
    rows = actions.affected_by(therapist, span, now)
    proposed = propose(rows, out=span, first=first, among=None, now=now, zone=CHICAGO)
    plans = {
        proposal.visit.pk: actions.OutagePlan(
            proposal.visit.version,
            proposal.best.therapist if proposal.best else None,
            proposal.best.starts_at if proposal.best else None,
            by_phone=proposal.visit.pk in by_phone,
        )
        for proposal in proposed
    }
    values = {"answer_by": now + timedelta(hours=20), "plans": plans, "reason": "", "by": None} | fields
    return actions.start_outage(therapist=therapist, span=span, submission_key=key or uuid.uuid4(), **values)


def joins(service: Service, **fields: Any) -> WaitlistEntry:
    """Someone joins the waiting list, for any time of the next ten days unless told otherwise."""
    values = {
        "therapist": None,
        "first_day": day_in(0),
        "last_day": day_in(10),
        "parts": list(PartOfDay.values),
        "submission_key": uuid.uuid4(),
    }
    if "visit" not in fields:
        values |= {
            "name": "Wanda Waiting",
            "email": "wanda@example.com",
            "phone": "612-555-0177",
            "is_new_patient": True,
        }
    return actions.join_waitlist(service=service, **values | fields)


def an_offer(entry: WaitlistEntry, therapist: Therapist, starts_at: datetime) -> Offer:
    """A freed time, held for this entry."""
    freed = give_back(therapist, starts_at, starts_at + timedelta(minutes=40))
    return next(offer for offer in actions.offer_freed_time(freed=freed) if offer.entry_id == entry.pk)


def give_back(therapist: Therapist, starts_at: datetime, ends_at: datetime) -> FreedTime:
    return FreedTime.objects.create(therapist=therapist, starts_at=starts_at, ends_at=ends_at)


def asks(**fields: Any) -> ContactRequest:
    """Someone asks the clinic to call."""
    values = {
        "name": "Carla Caller",
        "reach_by": "phone",
        "phone": "612-555-0188",
        "weekdays": [0, 3],
        "parts": ["morning"],
        "submission_key": uuid.uuid4(),
    }
    return actions.ask_for_contact(**values | fields)


def some_details(**fields: Any) -> actions.Details:
    values = {
        "name": "Ada Example",
        "email": "ada@example.com",
        "phone": "612-555-0142",
        "is_new_patient": True,
        "consent_version": "test",
    } | fields
    return actions.Details(**values)


def typed_details(**fields: Any) -> dict[str, str]:
    """What a browser posts from the details page, without the hidden fields."""
    values = {
        "name": "Ada Example",
        "email": "ada@example.com",
        "phone": "612-555-0142",
        "is_new_patient": "yes",
        "note": "",
        "patient_name": "",
        "consent": "on",
    }
    return values | fields


def version_of(*rows: Any) -> str:
    """The version that a page opened now would show of this row, or of these together."""
    return Together([type(row)._default_manager.get(pk=row.pk) for row in rows]).version


def erased(*, by=None, reason="Asked", **lookup):
    """Erases everybody whom a look-up by `email`, `phone` or `name` finds, with their visits to come."""
    found = Lookup(**lookup)
    return actions.erase_people(lookup=found, chosen=everybody(found), by=by, reason=reason, cancel_visits=True)


def everybody(lookup):
    """All people of a look-up as they are now, as `erase_people` and `export_people` want them."""
    return {person.id: person.version for person in lookup.people()}
