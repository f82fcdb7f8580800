"""Visits at the desk: read-only rows with buttons that call actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, re_path, reverse
from django.utils import timezone
from django.utils.html import format_html

from booking import actions
from booking.models import Appointment, Message, State
from booking.templatetags.times import clock, day_short


@dataclass(frozen=True)
class Button:
    """One thing staff can do with a visit, in their words."""

    verb: str
    label: str
    question: str
    done: str
    act: Callable[..., Appointment]
    states: tuple[State, ...]
    is_stop: bool = False


def _cancel(*, appointment: Appointment) -> Appointment:
    return actions.cancel_appointment(appointment=appointment, by=actions.Actor.STAFF)


BUTTONS = {
    button.verb: button
    for button in (
        Button(
            verb="confirm",
            label="Confirm",
            question="Confirm this visit?",
            done="Confirmed. The patient is told by e-mail.",
            act=actions.confirm_appointment,
            states=(State.REQUESTED,),
        ),
        Button(
            verb="decline",
            label="Decline",
            question="Decline this request?",
            done="Declined, and the time is free again. The patient is told by e-mail.",
            act=actions.decline_appointment,
            states=(State.REQUESTED,),
            is_stop=True,
        ),
        Button(
            verb="cancel",
            label="Cancel the visit",
            question="Cancel this visit?",
            done="Cancelled, and the time is free again. The patient is told by e-mail.",
            act=_cancel,
            states=(State.REQUESTED, State.CONFIRMED),
            is_stop=True,
        ),
    )
}


def buttons_for(visit: Appointment) -> list[Button]:
    return [button for button in BUTTONS.values() if visit.state in button.states]


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
class AppointmentAdmin(admin.ModelAdmin):
    list_display = ["when", "name", "therapist", "service", "tag", "answer_until", "phone"]
    list_display_links = ["when", "name"]
    list_filter = ["state", "therapist", "service", "is_online"]
    list_select_related = ["therapist", "service"]
    search_fields = ["name", "patient_name", "email", "phone"]
    date_hierarchy = "starts_at"
    change_form_template = "admin/booking/appointment/change_form.html"
    inlines = [MessageInline]
    fieldsets = [
        (None, {"fields": ["tag", "when", "therapist", "service", "answer_until"]}),
        (
            "Patient",
            {"fields": ["name", "patient_name", "is_new_patient", "phone", "email", "note"]},
        ),
        (
            "Record",
            {
                "classes": ["collapse"],
                "fields": [
                    "requested_at",
                    "confirmed_at",
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
    readonly_fields = ["tag", "when", "answer_until"]
    view_on_site = False  # the visit's page is the patient's; its address is private

    @admin.display(description="When", ordering="starts_at")
    def when(self, visit: Appointment) -> str:
        return f"{day_short(visit.starts_at)}, {clock(visit.starts_at)} to {clock(visit.ends_at)}"

    @admin.display(description="Answer until", ordering="answer_by")
    def answer_until(self, visit: Appointment) -> str:
        if visit.state != State.REQUESTED or visit.answer_by is None:
            return "–"
        return f"{day_short(visit.answer_by)}, {clock(visit.answer_by)}"

    @admin.display(description="State", ordering="state")
    def tag(self, visit: Appointment) -> str:
        return format_html('<span class="tag tag--{}">{}</span>', visit.state, visit.get_state_display())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        return super().get_queryset(request).exclude(pk__in=Appointment.objects.never_booked())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # read-only; the buttons ask for the right themselves

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def may_act(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_appointment")

    def get_urls(self) -> list[URLPattern]:
        verbs = "|".join(BUTTONS)
        view = self.admin_site.admin_view(self.answer)
        answer = re_path(rf"^(?P<pk>\d+)/(?P<verb>{verbs})/$", view, name="booking_appointment_answer")
        return [answer, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        visit = context.get("original")
        context["buttons"] = buttons_for(visit) if visit and self.may_act(request) else []
        return super().render_change_form(request, context, *args, **kwargs)

    def answer(self, request: HttpRequest, pk: str, verb: str) -> HttpResponse:
        """GET asks once more and shows what the patient is told; POST acts."""
        button = BUTTONS.get(verb)
        visit = self.get_queryset(request).select_related("therapist", "service").filter(pk=pk).first()
        if button is None or visit is None:
            raise Http404
        if not self.may_act(request):
            raise PermissionDenied
        back = reverse("admin:booking_appointment_change", args=[pk])
        if request.method == "POST":
            try:
                button.act(appointment=visit)
            except actions.StateChangedError:
                self.message_user(request, "A colleague or the patient was quicker; see below.", messages.WARNING)
            else:
                self.message_user(request, button.done, messages.SUCCESS)
            return redirect(back)
        if visit.state not in button.states:
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": button.question,
            "button": button,
            "visit": visit,
            "back": back,
            "opts": self.opts,
            "now": timezone.now(),
        }
        return render(request, "admin/booking/appointment/answer.html", context)
