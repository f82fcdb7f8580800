"""The form for when no time suits: ask the clinic to call or write."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from booking.fields import note_field
from booking.models import ContactRequest, Weekday
from revival.base.django_types import Passed

from .person import CONSENT_VERSION, PersonForm, consent_field
from .waitlist import parts_field


class AskForm(PersonForm):
    """When a visit would suit, and how to reach the patient."""

    reach_by = forms.ChoiceField(
        label=_("How should we get back to you?"),
        choices=[(ContactRequest.ReachBy.PHONE, _("Call me")), (ContactRequest.ReachBy.EMAIL, _("E-mail me"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how we should get back to you.")},
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Which days suit you?"),
        choices=Weekday,
        coerce=int,
        required=False,
        help_text=_("Leave all unchecked if any day works."),
        widget=forms.CheckboxSelectMultiple,
    )
    parts = parts_field()
    note = note_field()
    consent = consent_field(_("I agree that the clinic may keep what I typed here to find me a time."))

    field_order = ["name", "reach_by", "phone", "email", "weekdays", "parts", "note", "consent"]

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"].help_text = _("Needed if we should call you.")
        self.fields["email"].help_text = _("Needed if we should e-mail you.")
        for name in ("phone", "email"):
            self.fields[name].required = False
            self.fields[name].is_conditional = True  # type: ignore[attr-defined]  # read by the crispy pack

    def clean(self) -> dict[str, object]:
        cleaned_data = super().clean() or {}
        field = cleaned_data.get("reach_by")  # "phone" or "email", like the fields
        if field and not cleaned_data.get(field) and field not in self.errors:
            self.add_error(field, ValidationError(self.fields[field].error_messages["required"]))
        return cleaned_data

    @property
    def details(self) -> dict[str, object]:
        """Fields of the ContactRequest."""
        names = ("name", "reach_by", "email", "phone", "weekdays", "parts", "note", "came_from")
        return {**{name: self.cleaned_data[name] for name in names}, "consent_version": CONSENT_VERSION}
