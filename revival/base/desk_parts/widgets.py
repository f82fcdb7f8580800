"""Form widgets for dates and times that use the browser's own pickers, which work by keyboard and on a tablet."""

from __future__ import annotations

from typing import Any, TypeAlias

from django import forms
from django.db import models

Attributes: TypeAlias = dict[str, Any] | None  # Any: as in Django's widgets


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: Attributes = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, attrs: Attributes = None) -> None:
        super().__init__(attrs, format="%H:%M")


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, attrs: Attributes = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


NATIVE: dict[type[models.Field], dict[str, type[forms.Field | forms.Widget]]] = {
    models.DateTimeField: {"form_class": forms.DateTimeField, "widget": MomentInput},
    models.DateField: {"widget": DayInput},
    models.TimeField: {"widget": ClockInput},
}
"""For `formfield_overrides` of a ModelAdmin."""
