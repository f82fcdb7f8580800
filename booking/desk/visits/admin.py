"""Visits at the desk: read-only rows with buttons that call actions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from booking import actions
from booking.desk.base.buttons import Button, ReadOnlyWithButtons
from booking.desk.base.forms import DeclineForm, MoveForm
from booking.desk.base.free_times_panel import beside_form, nearest_others
from booking.desk.messages import SENT, WRITTEN
from booking.mail import compose as mail
from booking.mail.queue import OtherTime
from booking.models import Appointment, Kind, Message, State
from revival.base.date_columns import moment, when
from revival.base.words import clock, day_short, day_words

from .series import place_of


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
        sends=Kind.CONFIRMED,
        is_open=lambda visit: visit.outage is None,  # nobody agrees to a time at which the therapist is out
    ),
    Button(
        verb="decline",
        label="Decline",
        question="Decline this request?",
        done="Declined, and the time is free again.",
        act=lambda visit, request, typed: actions.decline_appointment(appointment=visit, instead=typed["instead"]),
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
        act=lambda visit, request, typed: actions.mark_arrived(appointment=visit),
        states=(State.CONFIRMED,),
        is_open=lambda visit: actions.is_today_or_past(visit, timezone.now()),
    ),
    Button(
        verb="complete",
        label="Completed",
        question="Mark as completed?",
        done="Marked as completed.",
        act=lambda visit, request, typed: actions.mark_completed(appointment=visit),
        states=(State.ARRIVED,),
        is_open=lambda visit: actions.has_begun(visit, timezone.now()),
    ),
    Button(
        verb="no-show",
        label="No-show",
        question="Mark as no-show?",
        done="Marked as no-show. No e-mail is sent.",
        act=lambda visit, request, typed: actions.mark_no_show(appointment=visit),
        states=(State.CONFIRMED,),
        is_open=lambda visit: actions.has_begun(visit, timezone.now()),
        is_stop=True,
    ),
    Button(
        verb="take-back",
        label="Back to confirmed",
        question="Are they expected after all?",
        done="Back to confirmed.",
        act=lambda visit, request, typed: actions.take_back(appointment=visit),
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
        act=lambda visit, request, typed: actions.cancel_appointment(appointment=visit, by=actions.Actor.STAFF),
        states=(State.REQUESTED, State.CONFIRMED),
        is_stop=True,
        sends=Kind.CANCELLED,
    ),
)


def _moment_of(form: forms.Form) -> datetime | None:
    """Where a visit would go, as typed or as picked."""
    found = form.cleaned_data.get("starts_at") if form.is_bound else form.initial.get("starts_at")
    return found if isinstance(found, datetime) else None


def _chosen_in(form: DeclineForm) -> list[OtherTime]:
    """The times that are ticked: by whoever declines, or before anyone did."""
    if not form.is_bound:
        return [form.time_of(key) for key in form.nearest]
    return form.cleaned_data["instead"] if form.is_valid() else []


class MessageInline(admin.TabularInline):
    model = Message
    fields = readonly_fields = [  # type: ignore[assignment]
        WRITTEN,
        "kind",
        "recipient",
        "delivery",
        "attempts",
        "last_answer",
        SENT,
    ]
    extra = 0
    can_delete = False
    template = "booking/desk/base/_rows.html"  # Django's has empty headings, and fields for a form

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


RECORD: Any = (
    moment("requested_at", "Requested"),
    moment("confirmed_at", "Confirmed"),
    moment("moved_at", "Moved"),
    moment("ended_at", "Ended"),
    moment("held_until", "Held until"),
)


@admin.register(Appointment)
class AppointmentAdmin(ReadOnlyWithButtons):
    list_display = ["when", "name", "therapist", "service", "tag", "answer_until", "phone"]
    list_display_links = ["when", "name"]
    list_filter = [when("starts_at"), "state", "therapist", "service", "is_online"]
    list_select_related = ["therapist", "service"]
    change_form_template = "booking/desk/visits/change.html"
    answer_template = "booking/desk/visits/answer.html"
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
                    *RECORD,
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
    readonly_fields = ["tag", "when", "answer_until", "board", *RECORD]

    def said(self, button: Button, row: Appointment) -> str:
        row.refresh_from_db()
        said = f"{self.called(row)} with {row.therapist.short_name}: {button.done[0].lower()}{button.done[1:]}"
        if button.sends is None:
            return said
        by_phone = (
            "They have no e-mail address: please phone them. The message waits for you under Undelivered messages."
        )
        return f"{said} {'The patient is told by e-mail.' if row.email else by_phone}"

    def called(self, row: Appointment) -> str:
        return f"{day_words(row.starts_at)}, {clock(row.starts_at)}"

    def overtaken(self, row: Appointment) -> str:
        return f"{super().overtaken(row)} The time is {day_words(row.starts_at)}, {clock(row.starts_at)}."

    def initial(self, row: Appointment) -> dict[str, Any]:
        return {"seen": row.starts_at.isoformat()}

    def form_for(self, button: Button, row: Appointment, request: HttpRequest) -> forms.Form | None:
        if button.form is DeclineForm:
            data = request.POST if request.method == "POST" else None
            return DeclineForm(data, asked=row, others=nearest_others(row))
        return super().form_for(button, row, request)

    def beside(self, button: Button, row: Appointment, form: forms.Form | None) -> dict[str, Any]:
        if isinstance(form, MoveForm):
            return self._beside_a_move(row, form)
        if button.sends is None or (form and form.errors):
            return {}
        suggested = _chosen_in(form) if isinstance(form, DeclineForm) else []
        return {"mail": mail.preview(button.sends, row, suggested=suggested)}

    def _beside_a_move(self, row: Appointment, form: MoveForm) -> dict[str, Any]:
        """What they will read is shown once there is a new time to read of."""
        to = _moment_of(form)
        shown = beside_form(row.therapist, row.service, to or row.starts_at, besides=row)
        shown |= {"mail": mail.preview(Kind.MOVED, row, starts_at=to)} if to else {}
        return shown | {"chosen": to, "is_picked": to is not None and not form.is_bound}

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

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        visit, may_act = context.get("original"), self.may_act(request)
        if visit is not None:
            may_book_more = may_act and visit.anonymised_at is None
            context |= {"place": place_of(visit, request.user), "may_act": may_act, "may_book_more": may_book_more}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        return super().get_queryset(request).exclude(pk__in=Appointment.objects.never_booked())
