"""Admin of messages: what was sent to whom, whether it arrived, and buttons to send it again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from procrastinate.contrib.django import admin as jobs_admin  # noqa: F401 - registers what we unregister below
from procrastinate.contrib.django.models import ProcrastinateJob

from booking import actions
from booking.desk.base.buttons import Button, ReadOnlyWithButtons
from booking.desk.base.changed import visit_words
from booking.fields import ONE_LINE, DecisionForm
from booking.mail import compose as mail
from booking.models import Appointment, ContactRequest, Delivery, Message, OutageContact
from revival.base.bidi import isolate
from revival.base.desk_parts.date_columns import date_filter, moment_column
from revival.base.django_types import Context, FormValues, Passed
from revival.base.words import clock, day_short

# The library's own list of jobs is of no use to staff, and its inline styles violate our content security policy.
admin.site.unregister(ProcrastinateJob)

NOT_ARRIVED = (Delivery.REFUSED, Delivery.PLEASE_PHONE, Delivery.QUEUED)

# Any: Django takes a function in `fields`, too, but its stubs know names alone.
WRITTEN: Any = moment_column("created_at", "Written")
SENT: Any = moment_column("sent_at", "Sent")


def _subject_words(subject: Model) -> str:
    if isinstance(subject, Appointment):
        when = f"{day_short(subject.starts_at)}, {clock(subject.starts_at)}"
        return f"{when} with {isolate(subject.therapist.short_name)}"
    if isinstance(subject, OutageContact):
        return f"{isolate(subject.outage.therapist.short_name)} is out"
    return "Contact request" if isinstance(subject, ContactRequest) else "Waiting list"


class ResendForm(DecisionForm):
    email = forms.EmailField(
        label="Send it to",
        max_length=254,
        validators=ONE_LINE,
        help_text="A new address replaces theirs, and the private link to a visit sent to the old one stops working.",
    )


@admin.register(Message)
class MessageAdmin(ReadOnlyWithButtons):
    list_display = [WRITTEN, "kind", "recipient", "about", "delivery", "attempts", "last_answer"]
    list_filter = [date_filter("created_at", is_past=True), "delivery", "kind"]
    list_select_related = [
        "appointment__therapist",
        "entry__visit",
        "offer__entry__visit",
        "contact_request",
        "outage_contact__outage__therapist",
    ]
    change_form_template = "booking/desk/messages/change.html"
    answer_template = "booking/desk/messages/answer.html"
    fields = [
        "kind",
        "about",
        "addressee",
        "recipient",
        "delivery",
        "attempts",
        "last_answer",
        WRITTEN,
        SENT,
    ]
    readonly_fields = ["about", "addressee", WRITTEN, SENT]
    state_field = "delivery"
    buttons = (
        Button(
            verb="resend",
            label="Send it again",
            question="Send this message again?",
            done="It will be sent in a moment.",
            act=lambda message, request, data: actions.resend_message(
                message=message, seen=data["version"], email=data["email"]
            ),
            states=NOT_ARRIVED,
            form=ResendForm,
        ),
        Button(
            verb="phoned",
            label="I told them by phone",
            question="Did you tell them by phone?",
            done="Marked as told by phone. It is off the list.",
            act=lambda message, request, data: actions.mark_as_phoned(message=message, seen=data["version"]),
            states=NOT_ARRIVED,
        ),
    )

    @admin.display(description="About")
    def about(self, message: Message) -> str:
        subject = message.subject
        if isinstance(subject, OutageContact):
            url = subject.outage.get_absolute_url()
        else:
            url = reverse(f"admin:booking_{subject._meta.model_name}_change", args=[subject.pk])
        return format_html('<a href="{}">{}</a>', url, _subject_words(subject))

    @admin.display(description="Who it is for")
    def addressee(self, message: Message) -> str:
        return self.contact_line(message) or "The clinic’s staff"

    def initial(self, row: Message) -> FormValues:
        return super().initial(row) | {"email": row.recipient}

    def version_words(self, version: str) -> str:
        return ", about a visit: ".join(filter(None, (super().version_words(version), visit_words(version))))

    def row_title(self, row: Message) -> str:
        if row.starts_at is None:
            return row.get_kind_display()
        return f"{row.get_kind_display()}, {day_short(row.starts_at)}, {clock(row.starts_at)}"

    def extra_context(self, button: Button, row: Message, form: DecisionForm) -> Context:
        return {"mail": mail.to_tell(row)}

    def render_change_form(
        self, request: HttpRequest, context: Context, *args: Passed, **kwargs: Passed
    ) -> HttpResponse:
        message = context.get("original")
        if message is not None and message.delivery in NOT_ARRIVED:
            context["mail"] = mail.to_tell(message)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).select_related(*self.list_select_related)
