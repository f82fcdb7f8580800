"""Actions of staff alone: note what became of a visit, and book for a caller, past the rules if need be."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from booking.mail import queue
from booking.models import Appointment, Audience, Clinic, Kind, Service, State, Terms, Therapist
from revival.base.desk_parts.staff_request import StaffUser

from . import free
from .book import Details
from .by_phone import mark_heard
from .refusals import StateChangedError, action, demand_same, demand_seen


@action
def mark_arrived(*, appointment: Appointment, seen: str) -> Appointment:
    """Note that the patient is here; not before the visit's day. Raises StateChangedError."""
    return _note(appointment, seen, State.ARRIVED, out_of=(State.CONFIRMED,), is_open=is_today_or_past)


@action
def mark_completed(*, appointment: Appointment, seen: str) -> Appointment:
    """Note that the visit has taken place. Raises StateChangedError."""
    return _note(appointment, seen, State.COMPLETED, out_of=(State.ARRIVED,), is_open=has_begun)


@action
def take_back(*, appointment: Appointment, seen: str) -> Appointment:
    """Undo "arrived" or "no-show", as when they came late. Raises StateChangedError or SlotTakenError."""
    return _note(appointment, seen, State.CONFIRMED, out_of=(State.ARRIVED, State.NO_SHOW))


@action
def mark_no_show(*, appointment: Appointment, seen: str) -> Appointment:
    """Note that the patient did not come; not before the visit has begun. Raises StateChangedError."""
    return _note(appointment, seen, State.NO_SHOW, out_of=(State.CONFIRMED,), is_open=has_begun)


def has_begun(visit: Appointment, now: datetime) -> bool:
    return visit.starts_at <= now


def is_today_or_past(visit: Appointment, now: datetime) -> bool:
    zone = Clinic.objects.current().zone
    return visit.starts_at.astimezone(zone).date() <= now.astimezone(zone).date()


def _always(visit: Appointment, now: datetime) -> bool:
    return True


def _note(
    appointment: Appointment,
    seen: str,
    state: State,
    *,
    out_of: tuple[State, ...],
    is_open: Callable[[Appointment, datetime], bool] = _always,
) -> Appointment:
    """Write down what became of a visit. No message: the patient knows."""
    now = timezone.now()
    visit = free.lock_visit(appointment, now=now)
    demand_seen(visit, seen, done=state)
    if visit.state not in out_of or not is_open(visit, now):
        raise StateChangedError
    visit.state = state
    visit.ended_at = now if state in (State.COMPLETED, State.NO_SHOW) else None
    visit.save()
    return visit


@action
def book_for_caller(
    *,
    therapist: Therapist,
    service: Service,
    starts_at: datetime,
    details: Details,
    submission_key: uuid.UUID,
    by: StaffUser,
    override_reason: str = "",
) -> Appointment:
    """Book a confirmed visit, as agreed on the phone; notice and horizon are for patients alone.

    With `override_reason` it is booked past every rule, the only way to overlap on purpose; `by` is who did.
    Sending the same again gives the same visit and no second message. Raises SlotTakenError, NotOfferedError or
    SubmissionReusedError.
    """
    now = timezone.now()
    free.lock_therapists([therapist.pk], now=now)
    if already := Appointment.objects.filter(submission_key=submission_key).first():
        whose = {"name": details.name, "phone": details.phone, "email": details.email}
        demand_same(already, {"therapist": therapist, "service": service, "starts_at": starts_at, **whose})
        return already
    service = free.present(service)
    visit = Appointment(is_online=False, state=State.CONFIRMED, submission_key=submission_key)
    if override_reason:
        visit.is_override, visit.override_by, visit.override_reason = True, by, override_reason
    else:
        terms = Terms.anew(service, Audience.STAFF)
        free.choose_therapist([therapist], terms=terms, starts_at=starts_at, now=now, besides=visit)
    visit.put_at(therapist=therapist, service=service, starts_at=starts_at)
    for field in ("name", "email", "phone", "patient_name", "is_new_patient", "note"):
        setattr(visit, field, getattr(details, field))
    visit.requested_at = now
    visit.agree(now, Clinic.objects.current())
    visit.renew_link()
    visit.save()
    mark_heard(queue.queue_message(Kind.CONFIRMED, visit))
    return visit
