"""Admin of the waiting list and of contact requests."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from booking import actions
from booking.desk.base.buttons import Button, ReadOnlyWithButtons
from booking.fields import DecisionForm
from booking.models import ContactRequest, Offer, WaitlistEntry
from revival.base.desk_parts.date_columns import date_filter, moment_column
from revival.base.django_types import Context
from revival.base.words import clock, day_short

# Any: Django takes a function in `fields`, too, but its stubs know names alone.
WAITING_SINCE: Any = moment_column("created_at", "Waiting since")
ASKED: Any = moment_column("created_at", "Asked")
TAKEN_UP: Any = moment_column("taken_up_at", "Taken up")
DONE: Any = moment_column("ended_at", "Done")
ENDED: Any = moment_column("ended_at", "Ended")
OFFERED: Any = moment_column("created_at", "Offered")
UNTIL: Any = moment_column("until", "Until")


class OfferInline(admin.TabularInline):
    model = Offer
    template = "booking/desk/base/_rows.html"
    fields = readonly_fields = ["slot", "therapist", "state", "visit", OFFERED, UNTIL]  # type: ignore[assignment]
    extra = 0
    can_delete = False

    @admin.display(description="Time")
    def slot(self, offer: Offer) -> str:
        return f"{day_short(offer.starts_at)}, {clock(offer.starts_at)}"

    @admin.display(description="Visit")
    def visit(self, offer: Offer) -> str:
        if offer.state != Offer.State.TAKEN or offer.hold is None:
            return "–"
        url = reverse("admin:booking_appointment_change", args=[offer.hold.pk])
        starts_at = f"{day_short(offer.hold.starts_at)}, {clock(offer.hold.starts_at)}"
        return format_html('<a href="{}">{}</a>', url, starts_at)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(ReadOnlyWithButtons):
    list_display = [WAITING_SINCE, "person", "therapist", "service", "first_day", "last_day", "times", "state"]
    list_filter = ["state", "therapist", "service"]
    list_select_related = ["therapist", "service", "visit"]
    fields = [
        "state",
        WAITING_SINCE,
        "person",
        "phone_number",
        "email_address",
        "therapist",
        "service",
        "visit",
        "first_day",
        "last_day",
        "times",
        "suits_short_notice",
        "came_from",
        ENDED,
    ]
    readonly_fields = ["person", "phone_number", "email_address", "times", WAITING_SINCE, ENDED]
    inlines = [OfferInline]
    buttons = (
        Button(
            verb="remove",
            label="Take off the list",
            question="Take them off the waiting list?",
            done="They are off the list. No e-mail is sent.",
            act=lambda entry, request, data: actions.take_off_waitlist(entry=entry, seen=data["version"]),
            states=(WaitlistEntry.State.WAITING,),
            is_stop=True,
        ),
    )

    def row_title(self, row: WaitlistEntry) -> str:
        return f"On the waiting list since {day_short(row.created_at)}"

    @admin.display(description="Who", ordering="name")
    def person(self, entry: WaitlistEntry) -> str:
        return entry.person.name

    @admin.display(description="Phone")
    def phone_number(self, entry: WaitlistEntry) -> str:
        return entry.person.phone

    @admin.display(description="E-mail")
    def email_address(self, entry: WaitlistEntry) -> str:
        return entry.person.email

    @admin.display(description="Times of day")
    def times(self, entry: WaitlistEntry) -> str:
        return "; ".join(entry.part_names)


@admin.register(ContactRequest)
class ContactRequestAdmin(ReadOnlyWithButtons):
    list_display = [ASKED, "name", "reach_by", "phone", "email", "therapist", "state", "taken_up_by"]
    list_display_links = [ASKED, "name"]
    change_form_template = "booking/desk/waiting/contact_change.html"
    answer_template = "booking/desk/waiting/contact_answer.html"
    list_filter = [date_filter("created_at", is_past=True), "state", "reach_by", "therapist"]
    list_select_related = ["therapist", "taken_up_by"]
    fields = [
        "state",
        ASKED,
        "name",
        "reach_by",
        "phone",
        "email",
        "therapist",
        "days",
        "times",
        "note",
        "came_from",
        "taken_up_by",
        TAKEN_UP,
        DONE,
    ]
    readonly_fields = ["days", "times", ASKED, TAKEN_UP, DONE]
    buttons = (
        Button(
            verb="take-up",
            label="I am on it",
            question="Are you on it?",
            done="It is assigned to you. Your colleagues see that you are on it.",
            act=lambda contact, request, data: actions.take_up_contact(
                contact_request=contact, seen=data["version"], by=request.user
            ),
            states=(ContactRequest.State.NEW,),
        ),
        Button(
            verb="done",
            label="Answered",
            question="Have they been answered?",
            done="Done. It is off the list.",
            act=lambda contact, request, data: actions.finish_contact(
                contact_request=contact, seen=data["version"], by=request.user
            ),
            states=(ContactRequest.State.NEW, ContactRequest.State.IN_HAND),
        ),
    )

    def row_title(self, row: ContactRequest) -> str:
        return f"Contact request, {day_short(row.created_at)}, {clock(row.created_at)}"

    def extra_context(self, button: Button, row: ContactRequest, form: DecisionForm) -> Context:
        return {"days": self.days(row), "times": self.times(row)}

    @admin.display(description="Days")
    def days(self, contact: ContactRequest) -> str:
        return ", ".join(contact.day_names) or "Any day"

    @admin.display(description="Times of day")
    def times(self, contact: ContactRequest) -> str:
        return "; ".join(contact.part_names)
