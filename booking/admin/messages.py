"""What was written to whom, and what became of it. Nothing here is typed by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from procrastinate.contrib.django import admin as jobs_admin  # noqa: F401 - registers what we take away
from procrastinate.contrib.django.models import ProcrastinateJob

from booking import actions
from booking.forms import ONE_LINE
from booking.models import Delivery, Message, OutageContact

from .buttons import Button, ReadOnlyWithButtons
from .when import when

# The library's own list of jobs says nothing to staff, and its inline styles break the desk's policy.
admin.site.unregister(ProcrastinateJob)

NOT_THERE = (Delivery.REFUSED, Delivery.PLEASE_PHONE, Delivery.QUEUED)


class ResendForm(forms.Form):
    email = forms.EmailField(
        label="Send it to",
        max_length=254,
        validators=ONE_LINE,
        help_text="Another address becomes theirs, and the private link to a visit sent to the old one stops working.",
    )


@admin.register(Message)
class MessageAdmin(ReadOnlyWithButtons):
    list_display = ["created_at", "kind", "recipient", "about", "delivery", "attempts", "last_answer"]
    list_filter = [when("created_at", is_past=True), "delivery", "kind"]
    list_select_related = ["appointment", "entry", "offer__entry", "contact_request", "outage_contact__outage"]
    fields = [
        "kind",
        "about",
        "whom",
        "recipient",
        "delivery",
        "attempts",
        "last_answer",
        "created_at",
        "sent_at",
    ]
    readonly_fields = ["about", "whom"]
    state_field = "delivery"
    buttons = (
        Button(
            verb="resend",
            label="Send it again",
            question="Send this message again?",
            done="It leaves within a moment.",
            act=lambda message, request, typed: actions.resend_message(message=message, email=typed["email"]),
            states=NOT_THERE,
            form=ResendForm,
        ),
        Button(
            verb="phoned",
            label="I told them by telephone",
            question="Did you tell them by telephone?",
            done="Noted. It is off the list.",
            act=lambda message, request, typed: actions.mark_as_phoned(message=message),
            states=NOT_THERE,
        ),
    )

    @admin.display(description="About")
    def about(self, message: Message) -> str:
        row = message.subject
        if isinstance(row, OutageContact):
            return format_html('<a href="{}">{}</a>', row.outage.get_absolute_url(), row)
        url = reverse(f"admin:booking_{row._meta.model_name}_change", args=[row.pk])
        return format_html('<a href="{}">{}</a>', url, row)

    @admin.display(description="Who it is for")
    def whom(self, message: Message) -> str:
        return self.who(message) or "The clinic’s staff"

    def initial(self, row: Any) -> dict[str, Any]:
        return {"email": row.recipient}

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*self.list_select_related)
