"""Feedback form for readers: was this article clear?

It stands on a page of its own, because a page that is kept whole for all readers can hold no form: a form inside the
article would need each reader's own token. The answer is yes or no and a part of the text. There are no free words, so
that nobody writes about their health. It costs the reader one more step. Decided on 2026-11-24.
"""

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
