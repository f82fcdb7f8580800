"""Forms to search for a patient, and to export or erase one person's data."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from booking.actions import Person
from booking.models import digits_of
from revival.base.django_types import FormValues


class PatientSearchForm(forms.Form):
    """Search by name, e-mail or phone: one field is enough, and part of it, too."""

    name = forms.CharField(label="Name", max_length=120, required=False)
    email = forms.CharField(label="E-mail", max_length=254, required=False)
    phone = forms.CharField(label="Phone", max_length=40, required=False, help_text="At least four digits.")

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if phone and len(digits_of(phone)) < 4:
            raise ValidationError("Type at least four digits.")
        return phone

    def clean(self) -> FormValues:
        if not self.errors and not any(self.cleaned_data.values()):
            raise ValidationError("Type a name, an e-mail address or a phone number.")
        return self.cleaned_data


class OnePersonForm(forms.Form):
    """Whose data to export or erase, and why. The button's value `do` is `export` or `erase`."""

    email = forms.CharField(label="Their e-mail", max_length=254, required=False)
    phone = forms.CharField(label="Their phone", max_length=40, required=False)
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Kept in the access log, so name nobody in it. For example: asked by letter.",
    )
    cancel_visits = forms.BooleanField(
        label="Also cancel visits still to come",
        required=False,
        help_text="For erasing. No e-mail is sent, so tell them first.",
    )
    is_sure = forms.BooleanField(label="I am sure", required=False, help_text="For erasing: it cannot be undone.")

    @property
    def is_erasure(self) -> bool:
        return self.data.get("do") == "erase"

    @property
    def person(self) -> Person:
        return Person(email=self.cleaned_data["email"], phone=self.cleaned_data["phone"])

    def clean(self) -> FormValues:
        if not self.cleaned_data.get("email") and not digits_of(self.cleaned_data.get("phone", "")):
            raise ValidationError("Type an e-mail address or a phone number.")
        if self.is_erasure and not self.cleaned_data.get("is_sure"):
            self.add_error("is_sure", "Check this box to erase.")
        return self.cleaned_data
