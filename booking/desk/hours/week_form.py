"""The week as a form: any number of shifts a day, each a pair of the browser's own time fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from booking.models import Therapist, Weekday
from booking.time.weekly_hours import DayShift, WeekPattern, overlaps
from revival.base.clock import MIDNIGHT, is_in_era
from revival.base.widgets import ClockInput, DayInput

LEAST_ROWS, MOST_ROWS = 2, 8
"""Pairs of times that a day shows, and the most it takes."""


class DayField(forms.DateField):
    """A date of this era: PostgreSQL and Python agree on it, and staff mean it."""

    widget = DayInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], error_messages={"invalid": "Choose a date."}, **kwargs)

    def clean(self, value: Any) -> date | None:
        day = super().clean(value)
        if day is not None and not is_in_era(day):
            raise ValidationError("Choose a date between 2001 and 2899.")
        return day


@dataclass(frozen=True)
class Pair:
    opens: Any
    closes: Any
    words: str


@dataclass(frozen=True)
class DayRows:
    weekday: int
    name: str
    pairs: list[Pair]
    errors: Any


class WeekForm(forms.Form):
    """`opens-0-1` and `closes-0-1` are the second shift of Monday. Both empty: no such shift."""

    first = DayField(label="Valid from", help_text="The hours in effect now end the day before.")
    last = DayField(
        label="Last day",
        required=False,
        help_text="Leave empty for no end date. Otherwise the hours in effect now come back after that day.",
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, today: date, shifts: Iterable[DayShift] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        rows = _rows_typed(self.data) if self.is_bound else _rows_of(shifts)
        spare = 0 if self.is_bound else 1
        for weekday in Weekday.values:
            for place in range(min(MOST_ROWS, max(LEAST_ROWS, rows.get(weekday, 0) + spare))):
                for name, words in (("opens", "from"), ("closes", "to")):
                    self.fields[f"{name}-{weekday}-{place}"] = forms.TimeField(
                        required=False,
                        widget=ClockInput(),
                        label=f"{Weekday(weekday).label}, shift {place + 1}, {words}",
                        input_formats=["%H:%M", "%H:%M:%S"],
                        error_messages={"invalid": "Type a time, such as 09:00."},
                    )
        self.initial.update(typed(shifts))

    def clean_first(self) -> date:
        day: date = self.cleaned_data["first"]
        if day < self.today:
            raise ValidationError("That day has gone by. Hours that were worked stay as they were.")
        return day

    def clean(self) -> dict[str, Any]:
        kept: dict[str, Any] = super().clean() or {}
        first, last = kept.get("first"), kept.get("last")
        if first and last and last < first:
            self.add_error("last", "The last day is before the first.")
        shifts = [shift for weekday in Weekday.values for shift in self._shifts_of(weekday)]
        for weekday in overlaps(shifts):
            self.add_error(f"opens-{weekday}-0", f"Two shifts on {Weekday(weekday).label} overlap.")
        kept["shifts"] = sorted(set(shifts))
        return kept

    def _shifts_of(self, weekday: int) -> Iterator[DayShift]:
        for place in range(self._places(weekday)):
            opens, closes = f"opens-{weekday}-{place}", f"closes-{weekday}-{place}"
            if opens not in self.cleaned_data or closes not in self.cleaned_data:
                continue  # said to be wrong already
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
                yield DayShift(weekday, start.replace(second=0), end.replace(second=0))

    def _places(self, weekday: int) -> int:
        return sum(name.startswith(f"opens-{weekday}-") for name in self.fields)

    @property
    def dates(self) -> list[Any]:
        return [self["first"], self["last"]]

    @property
    def days(self) -> list[DayRows]:
        return [
            DayRows(weekday, name, self._pairs(weekday), self._errors_of(weekday)) for weekday, name in Weekday.choices
        ]

    def _pairs(self, weekday: int) -> list[Pair]:
        return [
            Pair(self[f"opens-{weekday}-{place}"], self[f"closes-{weekday}-{place}"], f"shift {place + 1}")
            for place in range(self._places(weekday))
        ]

    def _errors_of(self, weekday: int) -> list[Any]:
        if not self.is_bound:
            return []
        return [
            message
            for name in self.fields
            if re.fullmatch(rf"(?:opens|closes)-{weekday}-\d+", name)
            for message in self.errors.get(name, [])
        ]


def _rows_of(shifts: Iterable[DayShift]) -> dict[int, int]:
    rows: dict[int, int] = {}
    for shift in shifts:
        rows[shift.weekday] = rows.get(shift.weekday, 0) + 1
    return rows


def _rows_typed(data: Any) -> dict[int, int]:
    """How many pairs came for each day; more than anyone works in a day are not read."""
    rows: dict[int, int] = {}
    for name in data:
        found = re.fullmatch(r"(?:opens|closes)-([0-6])-([0-9])", name)
        if found and int(found[2]) < MOST_ROWS:
            rows[int(found[1])] = max(rows.get(int(found[1]), 0), int(found[2]) + 1)
    return rows


def typed(shifts: Iterable[DayShift]) -> dict[str, str]:
    """The shifts as the fields of the form have them."""
    places: dict[int, int] = {}
    values: dict[str, str] = {}
    for shift in sorted(shifts):
        place = places.get(shift.weekday, 0)
        values[f"opens-{shift.weekday}-{place}"] = f"{shift.opens:%H:%M}"
        values[f"closes-{shift.weekday}-{place}"] = f"{shift.closes:%H:%M}"
        places[shift.weekday] = place + 1
    return values


class CopyForm(forms.Form):
    """What the copying buttons read: one day to others, or the whole week of a colleague."""

    day = forms.TypedChoiceField(label="Copy", choices=Weekday.choices, coerce=int, required=False)
    to = forms.TypedMultipleChoiceField(
        label="Copy to", choices=Weekday.choices, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    colleague = forms.ModelChoiceField(
        Therapist.objects.none(), label="The week of", to_field_name="slug", required=False, empty_label=None
    )

    def __init__(self, *args: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["colleague"].queryset = colleagues  # type: ignore[attr-defined]


def with_day_copied(data: QueryDict, day: int, targets: Iterable[int]) -> dict[str, Any]:
    """What was typed, with one day's times in other days, too."""
    values = _plain(data)
    source = {name: value for name, value in values.items() if re.fullmatch(rf"(?:opens|closes)-{day}-\d", name)}
    for target in set(targets) - {day}:
        values = {n: v for n, v in values.items() if not re.fullmatch(rf"(?:opens|closes)-{target}-\d", n)}
        values |= {name.replace(f"-{day}-", f"-{target}-", 1): value for name, value in source.items()}
    return values


def with_week(data: QueryDict, pattern: WeekPattern | None) -> dict[str, Any]:
    """What was typed, with another week in place of its own."""
    values = {name: value for name, value in _plain(data).items() if not re.match(r"(?:opens|closes)-", name)}
    return values | typed(pattern.shifts if pattern else ())


def _plain(data: QueryDict) -> dict[str, Any]:
    return {name: value for name, value in data.dict().items() if isinstance(value, str)}
