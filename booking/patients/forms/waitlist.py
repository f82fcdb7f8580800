"""Forms of the waiting list: join it, or ask for something earlier."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from django import forms

from booking.fields import email_field, first_visit_field, phone_field
from booking.models import PartOfDay

from .person import CONSENT_VERSION, ClinicForm, PersonForm, consent_field

# ---- when no time suits ---------------------------------------------------------------------


def parts_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label="Which times of day suit you?",
        choices=PartOfDay,
        initial=PartOfDay.values,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one time of day."},
    )


A_DATE = "Type a date like 12/07/2026."


class DatesMixin(forms.Form):
    """From when until when, and at which times of day. `first` and `last` bound what can be chosen."""

    first_day = forms.DateField(
        label="First day that suits you",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Choose the first day that suits you.", "invalid": A_DATE},
    )
    last_day = forms.DateField(
        label="Last day that suits you",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Choose the last day that suits you.", "invalid": A_DATE},
    )
    parts = parts_field()

    def bound(self, first: date, last: date) -> Self:
        self.first, self.last = first, last
        for name, day in (("first_day", first), ("last_day", last)):
            self.fields[name].initial = self.initial.get(name, day)
            self.fields[name].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}
        return self

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        first, last = clean.get("first_day"), clean.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "Choose a last day that is not before the first.")
        elif last and last < self.first:
            self.add_error("last_day", "Choose a last day that is not over yet.")
        elif last and last > self.last:
            self.add_error("last_day", f"Choose a last day by {self.last:%B} {self.last.day}, {self.last.year}.")
        return clean

    @property
    def wish(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("first_day", "last_day", "parts")}


class JoinForm(DatesMixin, PersonForm):
    """Join the waiting list: for someone who has no visit yet."""

    email = email_field("We’ll write here when a time opens.")
    phone = phone_field("We’ll only call about the waiting list.")
    is_new_patient = first_visit_field()
    consent = consent_field("find me a time")

    field_order = ["first_day", "last_day", "parts", "name", "email", "phone", "is_new_patient", "consent"]

    @property
    def facts(self) -> dict[str, Any]:
        names = ("name", "email", "phone", "is_new_patient", "came_from", "submission_key")
        typed = {name: self.cleaned_data[name] for name in names}
        return {**typed, **self.wish, "consent_version": CONSENT_VERSION}


class EarlierForm(DatesMixin, ClinicForm):
    """The same for someone with a visit, which would move."""

    submission_key = forms.UUIDField(widget=forms.HiddenInput)
