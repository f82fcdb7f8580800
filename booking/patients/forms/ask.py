"""The form for when no time suits: ask the clinic to call or write."""

from __future__ import annotations

from typing import Any

from django import forms

from booking.fields import note_field
from booking.models import ContactRequest, Weekday

from .person import CONSENT_VERSION, PersonForm, consent_field
from .waitlist import parts_field


class AskForm(PersonForm):
    """No time suits: when would, and how to reach me."""

    reach_by = forms.ChoiceField(
        label="How should we get back to you?",
        choices=[(ContactRequest.ReachBy.PHONE, "Call me"), (ContactRequest.ReachBy.EMAIL, "E-mail me")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how we should get back to you."},
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="Which days suit you?",
        choices=Weekday,
        coerce=int,
        required=False,
        help_text="Leave all unchecked if any day works.",
        widget=forms.CheckboxSelectMultiple,
    )
    parts = parts_field()
    note = note_field()
    consent = consent_field("find me a time")

    field_order = ["name", "reach_by", "phone", "email", "weekdays", "parts", "note", "consent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, need in (("phone", "Needed if we should call you."), ("email", "Needed if we should e-mail you.")):
            self.fields[name].required = False
            self.fields[name].help_text = need
            self.fields[name].is_conditional = True  # type: ignore[attr-defined]  # read by the crispy pack

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        way = clean.get("reach_by")
        if way and not clean.get(way) and way not in self.errors:
            self.add_error(way, self.fields[way].error_messages["required"])
        return clean

    @property
    def facts(self) -> dict[str, Any]:
        names = ("name", "reach_by", "email", "phone", "weekdays", "parts", "note", "came_from", "submission_key")
        return {**{name: self.cleaned_data[name] for name in names}, "consent_version": CONSENT_VERSION}
