"""The form for weekly hours: up to eight shifts a day, each a pair of the browser's own time fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.http import QueryDict

from booking.fields import DayField
from booking.models import Therapist, Weekday
from booking.time.weekly_hours import DayShift, WeekPattern, Weeks, overlaps
from revival.base.clock import MIDNIGHT
from revival.base.desk_parts.widgets import ClockInput
from revival.base.django_types import FormValues, Passed

from .rhythm import weeks_choices

LEAST_ROWS, MOST_ROWS = 2, 8
"""Shifts a day that the form shows at least, and reads at most."""
A_FIELD = "(?:opens|closes|weeks)"
"""Regular expression for the first part of a shift's field names."""


@dataclass(frozen=True)
class ShiftFields:
    opens: BoundField
    closes: BoundField
    weeks: BoundField
    label: str


@dataclass(frozen=True)
class DayFields:
    """What the page draws for one day of the week."""

    weekday: int
    name: str
    shifts: list[ShiftFields]
    errors: list[str]


class WeekForm(forms.Form):
    """Fields `opens-0-1` and `closes-0-1` are the second shift of Monday; both empty means no such shift.

    `weeks-0-1` says in which weeks it is worked: every one, A or B.
    """

    first = DayField(label="Valid from", help_text="The hours in effect now end the day before.")
    last = DayField(
        label="Last day",
        required=False,
        help_text="Leave empty for no end date. Otherwise the hours in effect now come back after that day.",
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Passed, today: date, shifts: Iterable[DayShift] = (), **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        rows = _rows_sent(self.data) if self.is_bound else Counter(shift.weekday for shift in shifts)
        spare = 0 if self.is_bound else 1
        for weekday in Weekday.values:
            for row in range(min(MOST_ROWS, max(LEAST_ROWS, rows[weekday] + spare))):
                self._add_shift(weekday, row)
        self.initial.update(field_values(shifts))

    def _add_shift(self, weekday: int, row: int) -> None:
        for name, label in (("opens", "from"), ("closes", "to")):
            self.fields[f"{name}-{weekday}-{row}"] = forms.TimeField(
                required=False,
                widget=ClockInput(),
                label=f"{Weekday(weekday).label}, shift {row + 1}, {label}",
                input_formats=["%H:%M", "%H:%M:%S"],
                error_messages={"invalid": "Type a time, such as 09:00."},
            )
        self.fields[f"weeks-{weekday}-{row}"] = forms.TypedChoiceField(
            required=False,
            choices=weeks_choices(weekday, self.today),
            coerce=Weeks,
            empty_value=Weeks.EVERY,
            label=f"{Weekday(weekday).label}, shift {row + 1}, in which weeks",
            error_messages={"invalid_choice": "Choose every week, week A or week B."},
        )

    def clean_first(self) -> date:
        day: date = self.cleaned_data["first"]
        if day < self.today:
            raise ValidationError("That day has gone by. Past hours cannot be changed.")
        return day

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        first, last = cleaned_data.get("first"), cleaned_data.get("last")
        if first and last and last < first:
            self.add_error("last", "The last day is before the first.")
        shifts = [shift for weekday in Weekday.values for shift in self._shifts_of(weekday)]
        for weekday in overlaps(shifts):
            self.add_error(f"opens-{weekday}-0", f"Two shifts on {Weekday(weekday).label} overlap.")
        cleaned_data["shifts"] = sorted(set(shifts))
        return cleaned_data

    def _shifts_of(self, weekday: int) -> Iterator[DayShift]:
        for row in range(self._row_count(weekday)):
            opens, closes, weeks = (f"{name}-{weekday}-{row}" for name in ("opens", "closes", "weeks"))
            if not {opens, closes, weeks} <= self.cleaned_data.keys():
                continue  # has an error already
            start: time | None = self.cleaned_data[opens]
            end: time | None = self.cleaned_data[closes]
            if start is None and end is None:
                continue
            if start is None:
                self.add_error(opens, "From when? Or leave both empty.")
            elif end is None:
                self.add_error(closes, "Until when? Or leave both empty.")
            elif end <= start and end != MIDNIGHT:
                self.add_error(closes, "It ends before it begins. For the end of the day type 12:00 am.")
            else:
                times = start.replace(second=0), end.replace(second=0)
                yield DayShift(weekday, *times, self.cleaned_data[weeks])

    def _row_count(self, weekday: int) -> int:
        return sum(name.startswith(f"opens-{weekday}-") for name in self.fields)

    @property
    def dates(self) -> list[BoundField]:
        return [self["first"], self["last"]]

    @property
    def days(self) -> list[DayFields]:
        return [
            DayFields(weekday, name, self._shift_fields(weekday), self._errors_of(weekday))
            for weekday, name in Weekday.choices
        ]

    def _shift_fields(self, weekday: int) -> list[ShiftFields]:
        return [
            ShiftFields(
                opens=self[f"opens-{weekday}-{row}"],
                closes=self[f"closes-{weekday}-{row}"],
                weeks=self[f"weeks-{weekday}-{row}"],
                label=f"shift {row + 1}",
            )
            for row in range(self._row_count(weekday))
        ]

    def _errors_of(self, weekday: int) -> list[str]:
        if not self.is_bound:
            return []
        return [
            str(message)
            for name in self.fields
            if re.fullmatch(rf"{A_FIELD}-{weekday}-\d+", name)
            for message in self.errors.get(name, [])
        ]


def _rows_sent(data: Iterable[str]) -> Counter[int]:
    """Number of shifts that the sent fields have for each day. Rows beyond `MOST_ROWS` are not read."""
    rows: Counter[int] = Counter()
    for name in data:
        match = re.fullmatch(r"(?:opens|closes)-([0-6])-([0-9])", name)
        if match and int(match[2]) < MOST_ROWS:
            weekday = int(match[1])
            rows[weekday] = max(rows[weekday], int(match[2]) + 1)
    return rows


def field_values(shifts: Iterable[DayShift]) -> dict[str, str]:
    """The shifts as values of the form's fields."""
    rows: Counter[int] = Counter()
    values: dict[str, str] = {}
    for shift in sorted(shifts):
        row = rows[shift.weekday]
        values[f"opens-{shift.weekday}-{row}"] = f"{shift.opens:%H:%M}"
        values[f"closes-{shift.weekday}-{row}"] = f"{shift.closes:%H:%M}"
        values[f"weeks-{shift.weekday}-{row}"] = shift.weeks.value
        rows[shift.weekday] += 1
    return values


class CopyForm(forms.Form):
    """Copy one day to others, or the whole week of a colleague."""

    day = forms.TypedChoiceField(label="Copy", choices=Weekday.choices, coerce=int, required=False)
    to = forms.TypedMultipleChoiceField(
        label="Copy to", choices=Weekday.choices, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    colleague = forms.ModelChoiceField(
        Therapist.objects.none(), label="The week of", to_field_name="slug", required=False, empty_label=None
    )

    def __init__(self, *args: Passed, colleagues: QuerySet[Therapist], **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.fields["colleague"].queryset = colleagues  # type: ignore[attr-defined]


def with_day_copied(data: QueryDict, day: int, targets: Iterable[int]) -> dict[str, str]:
    """The sent fields, with one day's times copied to other days."""
    values = _single_values(data)
    source = {name: value for name, value in values.items() if re.fullmatch(rf"{A_FIELD}-{day}-\d", name)}
    for target in set(targets) - {day}:
        times_of_target = re.compile(rf"{A_FIELD}-{target}-\d")
        values = {name: value for name, value in values.items() if not times_of_target.fullmatch(name)}
        values |= {name.replace(f"-{day}-", f"-{target}-", 1): value for name, value in source.items()}
    return values


def with_week(data: QueryDict, pattern: WeekPattern | None) -> dict[str, str]:
    """The sent fields, with another week's times in place of their own."""
    values = {name: value for name, value in _single_values(data).items() if not re.match(rf"{A_FIELD}-", name)}
    return values | field_values(pattern.shifts if pattern else ())


def _single_values(data: QueryDict) -> dict[str, str]:
    return {name: value for name, value in data.dict().items() if isinstance(value, str)}
