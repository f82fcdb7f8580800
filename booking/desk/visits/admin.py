"""The admin of visits: the list, and the page of one visit with its buttons."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from booking.desk.base.buttons import Button, ReadOnlyWithButtons
from booking.desk.base.changed import visit_words
from booking.desk.base.free_times_panel import free_times_context, nearest_others
from booking.desk.base.wording import moment_words, time_with, told_or_to_phone
from booking.desk.messages import SENT, WRITTEN
from booking.fields import DecisionForm
from booking.mail.compose import preview
from booking.models import Appointment, Audience, EmailChange, Kind, Message, State, Terms
from revival.base.desk_parts.date_columns import date_filter, moment_column
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import Context, FormValues, Passed
from revival.base.words import clock, day_short

from .buttons import BUTTONS
from .forms import DeclineForm, MoveForm
from .series.rest import series_place


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


RECORD: Any = (  # columns, where Django's stubs know names only
    moment_column("requested_at", "Requested"),
    moment_column("confirmed_at", "Confirmed"),
    moment_column("moved_at", "Moved"),
    moment_column("details_changed_at", "Phone or note changed by the patient"),
    moment_column("ended_at", "Ended"),
    moment_column("held_until", "Held until"),
)


@admin.register(Appointment)
class AppointmentAdmin(ReadOnlyWithButtons[Appointment]):
    list_display = ["when", "name", "therapist", "service", "tag", "answer_until", "phone"]
    list_display_links = ["when", "name"]
    list_filter = [date_filter("starts_at"), "state", "therapist", "service", "is_online"]
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

    def success_message(self, button: Button[Appointment], row: Appointment) -> str:
        row.refresh_from_db()
        done = f"{time_with(row.therapist, row.starts_at)}: {button.done[0].lower()}{button.done[1:]}"
        return done if button.sends is None else f"{done} {told_or_to_phone(row.email)}"

    def row_title(self, row: Appointment) -> str:
        return moment_words(row.starts_at)

    def conflict_message(self, row: Appointment) -> str:
        return f"{super().conflict_message(row)} The time is {moment_words(row.starts_at)}."

    def version_words(self, version: str) -> str:
        return visit_words(version)

    def form_for(self, button: Button[Appointment], row: Appointment, request: HttpRequest) -> DecisionForm:
        if button.form is DeclineForm:
            data = request.POST if request.method == "POST" else None
            return DeclineForm(data, initial=self.initial(row), visit=row, others=nearest_others(row))
        return super().form_for(button, row, request)

    def form_options(self, button: Button[Appointment], row: Appointment, request: HttpRequest) -> FormValues:
        return {"visit": row, "user": request.user} if button.form is MoveForm else {}

    def extra_context(self, button: Button[Appointment], row: Appointment, form: DecisionForm) -> dict[str, object]:
        """The message that the patient gets, and for a move the free times."""
        if isinstance(form, MoveForm):
            return self._move_context(row, form)
        if button.sends is None or form.errors:
            return {}
        suggested = form.chosen if isinstance(form, DeclineForm) else []
        return {"mail": preview(button.sends, row, suggested=suggested)}

    def _move_context(self, row: Appointment, form: MoveForm) -> dict[str, object]:
        """The free times of the therapist who is chosen, and the message once there is a new place."""
        therapist, start, terms = form.chosen_therapist, form.start, Terms.of_visit(row, Audience.STAFF)
        context = free_times_context(therapist, terms, start or row.starts_at, besides=row)
        if not form.has_new_place:  # the time it has now needs no excuse
            return context | {"not_free": [], "chosen": None}
        context |= {"is_picked": not form.is_bound, "other_visits": form.other_visits, "verb": form.VERB}
        return context | {"mail": preview(Kind.MOVED, row, starts_at=start, therapist=therapist)}

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

    def render_change_form(
        self, request: HttpRequest, context: Context, *args: Passed, **kwargs: Passed
    ) -> HttpResponse:
        visit, may_act = context.get("original"), self.may_act(request)
        if visit is not None:
            open_changes = EmailChange.objects.open(timezone.now())
            context |= {
                "place": series_place(visit, cast(StaffUser, request.user)),
                "may_act": may_act,
                "email_change": open_changes.filter(visit=visit).first() if may_act else None,
                "may_book_more": may_act and visit.anonymised_at is None,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        return super().get_queryset(request).exclude(pk__in=Appointment.objects.never_booked())
