"""Forms of rows with facts: short boxes for text, and an example is the clinic's own once it was changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.http import HttpRequest

from booking.fields import NoteField

FACTS_OF_TEXT: dict[type[models.Field], dict[str, object]] = {
    models.TextField: {"form_class": NoteField, "widget": AdminTextareaWidget(attrs={"rows": 4})},
    models.URLField: {"assume_scheme": "https", "widget": forms.URLInput(attrs={"class": "vTextField"})},
}
"""For `formfield_overrides`: a line break counts as one character, as in the browser."""


class KeepsOwnFacts(admin.ModelAdmin):
    """What was changed on the form is no example any more; what was left as it was still is one."""

    formfield_overrides = FACTS_OF_TEXT

    # Any: a row WithExamples, which each form calls by its own class.
    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        obj.keep_as_own(form.changed_data)
        super().save_model(request, obj, form, change)
