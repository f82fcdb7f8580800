"""What only staff do: note what became of a visit, and book for a caller, past the rules if need be."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.utils import timezone

from booking import messages
from booking.models import Appointment, Delivery, Kind, Service, State, Therapist

from . import slots
from .refusals import StateChangedError, action
from .visits import Details


@action
def mark_arrived(*, appointment: Appointment) -> Appointment:
    """The patient is here. Raises StateChangedError."""
    return _note(appointment, State.ARRIVED, out_of=(State.CONFIRMED,))


@action
def mark_completed(*, appointment: Appointment) -> Appointment:
    """The visit has taken place. Raises StateChangedError."""
    return _note(appointment, State.COMPLETED, out_of=(State.ARRIVED,))


@action
def mark_no_show(*, appointment: Appointment) -> Appointment:
    """The patient did not come, though the time has begun. Raises StateChangedError."""
    return _note(appointment, State.NO_SHOW, out_of=(State.CONFIRMED,), begun=True)


def _note(appointment: Appointment, state: State, *, out_of: tuple[State, ...], begun: bool = False) -> Appointment:
    """Nobody is written to: the patient knows."""
    now = timezone.now()
    visit = slots.locked(appointment, now=now)
    if visit.state not in out_of or (begun and visit.starts_at > now):
        raise StateChangedError
    visit.state = state
    if state != State.ARRIVED:
        visit.ended_at = now
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
    by: Any,
    override_reason: str = "",
) -> Appointment:
    """A confirmed visit, as agreed on the telephone; notice and horizon are for patients alone.

    With `override_reason` it is booked past every rule, the only way to overlap on purpose; `by` is who did.
    Sending the same again gives the same visit and no second message. Raises SlotTakenError or NotOfferedError.
    """
    now = timezone.now()
    slots.lock([therapist.pk], now=now)
    if already := Appointment.objects.filter(submission_key=submission_key).first():
        return already
    visit = Appointment(is_online=False, state=State.CONFIRMED, submission_key=submission_key)
    if override_reason:
        visit.is_override, visit.override_by, visit.override_reason = True, by, override_reason
    else:
        slots.free_one([therapist], service=service.for_staff(), starts_at=starts_at, now=now, besides=visit)
    visit.put_at(therapist=therapist, service=service, starts_at=starts_at)
    for field in ("name", "email", "phone", "patient_name", "is_new_patient", "note"):
        setattr(visit, field, getattr(details, field))
    visit.requested_at = visit.confirmed_at = now
    visit.renew_link()
    visit.save()
    _tell(visit)
    return visit


def _tell(visit: Appointment) -> None:
    """By e-mail; who gave no address has just heard it on the telephone."""
    message = messages.queue_message(Kind.CONFIRMED, visit)
    if message.delivery == Delivery.PLEASE_PHONE:
        message.delivery = Delivery.PHONED
        message.save(update_fields=["delivery"])
