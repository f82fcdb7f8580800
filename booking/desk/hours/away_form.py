"""Form fields that blocked time and recurring absences share: who is away, and why."""

from __future__ import annotations

from django import forms

from booking.fields import ONE_LINE
from booking.models import SEE_EVERY_PATIENT, Therapist
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import Passed

EVERYONE = "whole-clinic"  # cannot be a therapist’s slug: those are names


class AwayForm(forms.Form):
    """The whole clinic is an explicit choice, never the meaning of an empty field."""

    who = forms.ChoiceField(
        label="Who is away?", widget=forms.RadioSelect, error_messages={"required": "Choose who is away."}
    )
    reason = forms.CharField(
        label="Reason (optional)",
        max_length=120,
        required=False,
        validators=ONE_LINE,
        help_text="For staff only; patients never see it. No names of patients.",
    )

    def __init__(self, *args: Passed, user: StaffUser, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.therapists = {therapist.slug: therapist for therapist in Therapist.objects.seen_by(user)}
        choices = [(slug, therapist.name) for slug, therapist in self.therapists.items()]
        if user.has_perm(SEE_EVERY_PATIENT):
            choices.append((EVERYONE, "The whole clinic"))
        self.fields["who"].choices = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            self.fields["who"].initial = choices[0][0]

    @property
    def therapist(self) -> Therapist | None:
        """Who is away; None for the whole clinic."""
        who = self.cleaned_data["who"]
        return None if who == EVERYONE else self.therapists[who]
