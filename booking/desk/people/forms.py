"""Forms of the desk's pages about people: search for a patient, export or erase one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from booking.actions import Person
from booking.models import digits_of


class PatientSearchForm(forms.Form):
    """Staff look for someone; one field is enough, and each may be typed in part."""

    name = forms.CharField(label="Name", max_length=120, required=False)
    email = forms.CharField(label="E-mail", max_length=254, required=False)
    phone = forms.CharField(label="Phone", max_length=40, required=False, help_text="At least four digits.")

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if phone and len(digits_of(phone)) < 4:
            raise ValidationError("Type at least four digits.")
        return phone

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data
        if not self.errors and not any(typed.values()):
            raise ValidationError("Type a name, an e-mail address or a phone number.")
        return typed


class OnePersonForm(forms.Form):
    """Whose data, why, and which of the two buttons was pressed."""

    email = forms.CharField(label="Their e-mail", max_length=254, required=False)
    phone = forms.CharField(label="Their phone", max_length=40, required=False)
    reason = forms.CharField(
        label="Reason", max_length=200, help_text="Kept in the access log; name nobody in it. Such as: asked by letter."
    )
    cancel_visits = forms.BooleanField(
        label="Also cancel visits still to come",
        required=False,
        help_text="For erasing. Nobody is written to, so tell them first.",
    )
    is_sure = forms.BooleanField(label="I am sure", required=False, help_text="For erasing: it cannot be taken back.")

    @property
    def is_erasure(self) -> bool:
        return self.data.get("do") == "erase"

    def whom(self) -> dict[str, Any]:
        typed = self.cleaned_data
        return {"person": Person(email=typed["email"], phone=typed["phone"]), "reason": typed["reason"]}

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data
        if not typed.get("email") and not digits_of(typed.get("phone", "")):
            raise ValidationError("Type an e-mail address or a phone number.")
        if self.is_erasure and not typed.get("is_sure"):
            self.add_error("is_sure", "Check this box to erase.")
        return typed
