"""Forms about one visit: choose a start, give details, move, cancel."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.actions import Details
from booking.fields import ONE_LINE, DecisionForm, NameField, StartField, first_visit_field, note_field
from booking.models import Appointment, Service, Therapist
from revival.base.django_types import Passed

from .person import CONSENT_VERSION, ClinicForm, PersonForm


class StartForm(forms.Form):
    """The start that was chosen from a week of free times."""

    start = StartField(max_length=40, error_messages={"required": _("Choose a time.")})

    @property
    def is_empty(self) -> bool:
        """Whether no time was chosen, as opposed to something our page never wrote."""
        return set(self.errors) == {"start"} and self.has_error("start", "required")


class MoveForm(StartForm, DecisionForm):
    """The start to move to; only the confirming page sends a `version`, and without one nothing is moved yet."""

    @property
    def is_decided(self) -> bool:
        return "version" in self.data


class SlugField(forms.ModelChoiceField):
    """A row named by its slug. One that the page has read before is `known` and not read again."""

    known: Service | Therapist | None = None

    def to_python(self, value: Any) -> Any:  # Any: as in Django
        return self.known if self.known is not None and value == self.known.slug else super().to_python(value)


class DetailsForm(PersonForm):
    patient_name = NameField(
        label=_("Who is the visit for, if not you?"),
        required=False,
        help_text=_("Leave it empty when it is for you."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_new_patient = first_visit_field()
    note = note_field()

    start = StartField(max_length=40, widget=forms.HiddenInput)
    # All of them, bookable or not: the action refuses those that are not, and what was typed is kept.
    therapist = SlugField(Therapist.objects.all(), to_field_name="slug", widget=forms.HiddenInput)
    service = SlugField(Service.objects.all(), to_field_name="slug", widget=forms.HiddenInput)

    field_order = ["name", "email", "phone", "patient_name", "is_new_patient", "note", "consent"]

    def __init__(self, *args: Passed, hold: Appointment | None = None, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        if hold is not None:  # most forms name the therapist and the service of the hold they were opened with
            self.fields["therapist"].known, self.fields["service"].known = hold.therapist, hold.service  # type: ignore[attr-defined]

    @property
    def details(self) -> Details:
        cleaned_data = self.cleaned_data
        return Details(
            name=cleaned_data["name"],
            email=cleaned_data["email"],
            phone=cleaned_data["phone"],
            is_new_patient=cleaned_data["is_new_patient"],
            patient_name=cleaned_data["patient_name"],
            note=cleaned_data["note"],
            consent_version=CONSENT_VERSION,
            came_from=cleaned_data["came_from"],
        )

    def as_hidden_fields(self) -> list[tuple[str, str]]:
        """What was typed, as pairs for hidden fields, without the time and the therapist."""
        return [
            (name, value)
            for name in self.fields
            if name not in ("start", "therapist", "topic")
            for value in self.data.getlist(name)[:1]  # type: ignore[attr-defined]
        ]


class CancelForm(ClinicForm, DecisionForm):
    reason = forms.CharField(
        label=_("Why are you cancelling?"),
        required=False,
        max_length=300,
        validators=ONE_LINE,
        help_text=_("It helps us do better. Only our staff will see this."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
