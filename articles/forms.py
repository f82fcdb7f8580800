"""Feedback form for readers: was this article clear?"""

from __future__ import annotations

from crispy_forms.helper import FormHelper
from django import forms

from articles.models import Article, Section
from revival.base.django_types import Passed


class ClearForm(forms.Form):
    is_clear = forms.TypedChoiceField(
        label="Your answer",
        choices=[("yes", "Yes"), ("no", "No, something was hard to follow")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose yes or no", "invalid_choice": "Choose yes or no"},
    )
    hard_part = forms.ModelChoiceField(
        Section.objects.none(),
        label="Which part was hard, if any?",
        required=False,
        empty_label="None in particular",
        widget=forms.RadioSelect,
    )

    def __init__(self, article: Article, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hard_part"].queryset = article.sections.filter(level=2)  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
