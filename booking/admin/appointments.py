"""Visits at the desk: read-only rows with buttons that call actions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from booking import actions
from booking.models import Appointment, Message, State
from booking.templatetags.times import clock, day_short

from .buttons import Button, ReadOnlyWithButtons
from .forms import MoveForm


def _move(visit: Appointment, request: HttpRequest, typed: dict[str, Any]) -> None:
    """Raises a refusal that the page shows at the field, with what was typed kept."""
    seen, starts_at = typed["seen"], typed["starts_at"]
    actions.move_appointment(appointment=visit, seen=seen, starts_at=starts_at, by=actions.Actor.STAFF)


BUTTONS = (
    Button(
        verb="confirm",
        label="Confirm",
        question="Confirm this visit?",
        done="Confirmed.",
        act=lambda visit, request, typed: actions.confirm_appointment(appointment=visit),
        states=(State.REQUESTED,),
        is_open=lambda visit: visit.outage is None,  # nobody agrees to a time at which the therapist is out
    ),
    Button(
        verb="decline",
        label="Decline",
        question="Decline this request?",
        done="Declined, and the time is free again.",
        act=lambda visit, request, typed: actions.decline_appointment(appointment=visit),
        states=(State.REQUESTED,),
        is_stop=True,
    ),
    Button(
        verb="arrived",
        label="Arrived",
        question="Is the patient here?",
        done="Noted: they are here.",
        act=lambda visit, request, typed: actions.mark_arrived(appointment=visit),
        states=(State.CONFIRMED,),
        is_open=lambda visit: actions.its_day_has_come(visit, timezone.now()),
        tells=False,
    ),
    Button(
        verb="complete",
        label="Completed",
        question="Has the visit taken place?",
        done="Noted: the visit is completed.",
        act=lambda visit, request, typed: actions.mark_completed(appointment=visit),
        states=(State.ARRIVED,),
        is_open=lambda visit: actions.has_begun(visit, timezone.now()),
        tells=False,
    ),
    Button(
        verb="no-show",
        label="Did not come",
        question="Did the patient not come?",
        done="Noted. Nobody is written to.",
        act=lambda visit, request, typed: actions.mark_no_show(appointment=visit),
        states=(State.CONFIRMED,),
        is_open=lambda visit: actions.has_begun(visit, timezone.now()),
        is_stop=True,
        tells=False,
    ),
    Button(
        verb="take-back",
        label="Back to confirmed",
        question="Are they expected after all?",
        done="Back to confirmed.",
        act=lambda visit, request, typed: actions.take_back(appointment=visit),
        states=(State.ARRIVED, State.NO_SHOW),
        tells=False,
    ),
    Button(
        verb="move",
        label="Move",
        question="Move this visit?",
        done="Moved.",
        act=_move,
        states=(State.REQUESTED, State.CONFIRMED),
        form=MoveForm,
    ),
    Button(
        verb="cancel",
        label="Cancel the visit",
        question="Cancel this visit?",
        done="Cancelled, and the time is free again.",
        act=lambda visit, request, typed: actions.cancel_appointment(appointment=visit, by=actions.Actor.STAFF),
        states=(State.REQUESTED, State.CONFIRMED),
        is_stop=True,
    ),
)


class MessageInline(admin.TabularInline):
    model = Message
    fields = readonly_fields = [  # type: ignore[assignment]
        "created_at",
        "kind",
        "recipient",
        "delivery",
        "attempts",
        "last_answer",
        "sent_at",
    ]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Appointment)
class AppointmentAdmin(ReadOnlyWithButtons):
    list_display = ["when", "name", "therapist", "service", "tag", "answer_until", "phone"]
    list_display_links = ["when", "name"]
    list_filter = ["state", "therapist", "service", "is_online"]
    list_select_related = ["therapist", "service"]
    date_hierarchy = "starts_at"
    answer_template = "admin/booking/appointment/answer.html"
    buttons = BUTTONS
    inlines = [MessageInline]
    fieldsets = [
        (None, {"fields": ["tag", "when", "therapist", "service", "answer_until", "board"]}),
        (
            "Patient",
            {"fields": ["name", "patient_name", "is_new_patient", "phone", "email", "note", "cancel_reason"]},
        ),
        (
            "Record",
            {
                "classes": ["collapse"],
                "fields": [
                    "requested_at",
                    "confirmed_at",
                    "moved_at",
                    "ended_at",
                    "held_until",
                    "came_from",
                    "consent_version",
                    "calendar_sequence",
                    "is_override",
                    "override_by",
                    "override_reason",
                ],
            },
        ),
    ]
    readonly_fields = ["tag", "when", "answer_until", "board"]

    def said(self, button: Button, row: Appointment) -> str:
        if not button.tells:
            return button.done
        by_phone = (
            "They have no e-mail address: please phone them. The message waits for you under Undelivered messages."
        )
        return f"{button.done} {'The patient is told by e-mail.' if row.email else by_phone}"

    def initial(self, row: Appointment) -> dict[str, Any]:
        return {"starts_at": row.starts_at, "seen": row.starts_at.isoformat()}

    @admin.display(description="When", ordering="starts_at")
    def when(self, visit: Appointment) -> str:
        return f"{day_short(visit.starts_at)}, {clock(visit.starts_at)} to {clock(visit.ends_at)}"

    @admin.display(description="Answer by", ordering="answer_by")
    def answer_until(self, visit: Appointment) -> str:
        if visit.state != State.REQUESTED or visit.answer_by is None:
            return "–"
        return f"{day_short(visit.answer_by)}, {clock(visit.answer_by)}"

    @admin.display(description="Therapist is out")
    def board(self, visit: Appointment) -> str:
        line = visit.outage
        if line is None:
            return "–"
        return format_html('<a href="{}">{}</a>', line.outage.get_absolute_url(), line.get_state_display())

    @admin.display(description="State", ordering="state")
    def tag(self, visit: Appointment) -> str:
        return format_html('<span class="tag tag--{}">{}</span>', visit.state, visit.get_state_display())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        return super().get_queryset(request).exclude(pk__in=Appointment.objects.never_booked())
