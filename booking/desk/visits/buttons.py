"""The buttons on a visit: what staff can do with it, in which state, and which action does it."""

from __future__ import annotations

from django.utils import timezone

from booking.actions import (
    Actor,
    cancel_appointment,
    confirm_appointment,
    decline_appointment,
    has_begun,
    is_today_or_past,
    mark_arrived,
    mark_completed,
    mark_no_show,
    move_appointment,
    take_back,
)
from booking.desk.base.buttons import Button
from booking.models import Appointment, Kind, State
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.django_types import FormValues

from .forms import DeclineForm, MoveForm


def _decline(visit: Appointment, request: StaffRequest, cleaned_data: FormValues) -> None:
    decline_appointment(appointment=visit, seen=cleaned_data["version"], instead=cleaned_data["instead"])


def _move(visit: Appointment, request: StaffRequest, cleaned_data: FormValues) -> None:
    seen, therapist, starts_at = (cleaned_data[name] for name in ("version", "therapist", "starts_at"))
    move_appointment(appointment=visit, seen=seen, starts_at=starts_at, by=Actor.STAFF, therapist=therapist)


BUTTONS: tuple[Button[Appointment], ...] = (
    Button(
        verb="confirm",
        label="Confirm",
        question="Confirm this visit?",
        done="Confirmed.",
        act=lambda visit, request, cleaned_data: confirm_appointment(appointment=visit, seen=cleaned_data["version"]),
        states=(State.REQUESTED,),
        sends=Kind.CONFIRMED,
        is_open=lambda visit: visit.outage is None,  # not to a time at which the therapist is out
    ),
    Button(
        verb="decline",
        label="Decline",
        question="Decline this request?",
        done="Declined, and the time is free again.",
        act=_decline,
        states=(State.REQUESTED,),
        is_stop=True,
        form=DeclineForm,
        sends=Kind.DECLINED,
    ),
    Button(
        verb="arrived",
        label="Arrived",
        question="Mark as arrived?",
        done="Marked as arrived.",
        act=lambda visit, request, cleaned_data: mark_arrived(appointment=visit, seen=cleaned_data["version"]),
        states=(State.CONFIRMED,),
        is_open=lambda visit: is_today_or_past(visit, timezone.now()),
    ),
    Button(
        verb="complete",
        label="Completed",
        question="Mark as completed?",
        done="Marked as completed.",
        act=lambda visit, request, cleaned_data: mark_completed(appointment=visit, seen=cleaned_data["version"]),
        states=(State.ARRIVED,),
        is_open=lambda visit: has_begun(visit, timezone.now()),
    ),
    Button(
        verb="no-show",
        label="No-show",
        question="Mark as no-show?",
        done="Marked as no-show. No e-mail is sent.",
        act=lambda visit, request, cleaned_data: mark_no_show(appointment=visit, seen=cleaned_data["version"]),
        states=(State.CONFIRMED,),
        is_open=lambda visit: has_begun(visit, timezone.now()),
        is_stop=True,
    ),
    Button(
        verb="take-back",
        label="Back to confirmed",
        question="Are they expected after all?",
        done="Back to confirmed.",
        act=lambda visit, request, cleaned_data: take_back(appointment=visit, seen=cleaned_data["version"]),
        states=(State.ARRIVED, State.NO_SHOW),
    ),
    Button(
        verb="move",
        label="Move",
        question="Move this visit?",
        done="Moved.",
        act=_move,
        states=(State.REQUESTED, State.CONFIRMED),
        form=MoveForm,
        sends=Kind.MOVED,
    ),
    Button(
        verb="cancel",
        label="Cancel the visit",
        question="Cancel this visit?",
        done="Cancelled, and the time is free again.",
        act=lambda visit, request, cleaned_data: cancel_appointment(
            appointment=visit, seen=cleaned_data["version"], by=Actor.STAFF
        ),
        states=(State.REQUESTED, State.CONFIRMED),
        is_stop=True,
        sends=Kind.CANCELLED,
    ),
)
