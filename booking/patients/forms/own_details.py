"""Forms by which patients change their own phone, note and e-mail address; each is typed anew."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from booking.fields import AsksAboutPhone, DecisionForm, email_field, note_field, phone_field
from revival.base.django_types import FormValues, Passed

from .person import ClinicForm


class PhoneOrNoteForm(AsksAboutPhone, ClinicForm, DecisionForm):
    phone = phone_field(_("Leave it empty to keep the number we have."))
    note = note_field()
    clear_note = forms.BooleanField(label=_("Delete the note I gave before"), required=False)

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"].required = False
        self.fields["note"].help_text = _(
            "What you type takes the place of the note you gave before. Leave it empty to keep that."
        )

    def clean(self) -> FormValues:
        cleaned_data = super().clean()
        if not self.errors and not any(cleaned_data.get(name) for name in ("phone", "note", "clear_note")):
            raise ValidationError(_("Type a phone number or a note, or check the box. Nothing was changed."))
        return cleaned_data

    @property
    def new_note(self) -> str | None:
        """The new note, empty to delete the old one; None to keep it."""
        typed: str = self.cleaned_data["note"]
        return typed if typed or self.cleaned_data["clear_note"] else None


class NewEmailForm(ClinicForm, DecisionForm):
    email = email_field(_("We’ll use it once it is confirmed."))
