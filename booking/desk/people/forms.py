"""Forms to search for a patient, and to export or erase what is kept of people who were found."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from booking.models import FoundPerson, Lookup
from booking.people.phones import digits_in
from revival.base.django_types import FormValues, Passed

TOO_FEW_DIGITS = "Type at least four digits."
NOT_WHOLE = "Type the whole number with area code, like 612-555-0142. Part of one finds nobody here."


class PatientSearchForm(forms.Form):
    """Search by name, e-mail or phone: one field is enough, and part of it, too."""

    name = forms.CharField(label="Name", max_length=120, required=False)
    email = forms.CharField(label="E-mail", max_length=254, required=False)
    phone = forms.CharField(label="Phone", max_length=60, required=False, help_text="At least four digits.")

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if phone and len(digits_in(phone)) < 4:
            raise ValidationError(TOO_FEW_DIGITS)
        return phone

    def clean(self) -> FormValues:
        if not self.errors and not any(self.cleaned_data.values()):
            raise ValidationError("Type a name, an e-mail address or a phone number.")
        return self.cleaned_data


class LookupForm(forms.Form):
    """Whom to find: by the whole e-mail address or phone, or by the whole name."""

    email = forms.CharField(label="Their e-mail", max_length=254, required=False)
    phone = forms.CharField(label="Their phone", max_length=60, required=False)
    name = forms.CharField(
        label="Their name", max_length=120, required=False, help_text="Used only when the other two are empty."
    )

    @property
    def lookup(self) -> Lookup:
        return Lookup(**{name: self.cleaned_data[name].strip() for name in ("email", "phone", "name")})

    def clean(self) -> FormValues:
        if not self.errors and not any(value.strip() for value in self.cleaned_data.values()):
            raise ValidationError("Type an e-mail address, a phone number or a name.")
        if self.cleaned_data.get("phone") and not self.lookup.is_readable:
            self.add_error("phone", NOT_WHOLE)
        return self.cleaned_data


class ChosenPeopleForm(forms.Form):
    """Whose data to export or erase, and why. The button's value `do` is `export` or `erase`.

    Each person is sent back as `id.version`, so that nothing is done to rows that the page did not show.
    """

    chosen = forms.MultipleChoiceField(
        label="Whose data",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one person."},
    )
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

    def __init__(self, *args: Passed, people: list[FoundPerson], **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        field = self.fields["chosen"]
        field.choices = [(sent_as(person), person.name) for person in people]  # type: ignore[attr-defined]
        field.error_messages["invalid_choice"] = "Something of theirs changed meanwhile. Look again, then tick anew."

    @property
    def is_erasure(self) -> bool:
        return self.data.get("do") == "erase"

    @property
    def seen(self) -> dict[str, str]:
        """Id and seen version of each person who is ticked."""
        return dict(value.split(".") for value in self.cleaned_data["chosen"])

    def clean(self) -> FormValues:
        if self.is_erasure and not self.cleaned_data.get("is_sure"):
            self.add_error("is_sure", "Check this box to erase.")
        return self.cleaned_data


def sent_as(person: FoundPerson) -> str:
    return f"{person.id}.{person.version}"
