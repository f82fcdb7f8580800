"""The form above the reports: dates and therapist."""

from __future__ import annotations

from django import forms

from booking.fields import DayField
from booking.models import Therapist
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import FormValues, Passed

LONGEST_DAYS = 732


class ScopeForm(forms.Form):
    """First day, last day, and one therapist or all whom the user may see."""

    first = DayField(label="From")
    last = DayField(label="To")
    therapist = forms.ChoiceField(required=False)

    def __init__(self, *args: Passed, user: StaffUser, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.visible = list(Therapist.objects.seen_by(user))
        choices = [("", "Everyone"), *((therapist.slug, therapist.name) for therapist in self.visible)]
        self.fields["therapist"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        first, last = cleaned_data.get("first"), cleaned_data.get("last")
        if first and last and last < first:
            self.add_error("last", "The last day is before the first.")
        elif first and last and (last - first).days > LONGEST_DAYS:
            self.add_error("last", "Choose at most two years.")
        return cleaned_data

    @property
    def chosen(self) -> list[Therapist]:
        """The chosen therapist, or all whom the user may see."""
        return [therapist for therapist in self.visible if self.cleaned_data["therapist"] in ("", therapist.slug)]
