"""The six reports: each a plot, the table it is drawn from, and a sentence on how to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

from django.utils.safestring import SafeString, mark_safe

from booking.models import Therapist
from revival.base.bidi import isolate
from revival.base.words import month_day_short

from . import numbers, plots
from .numbers import LEAD_DAYS, Answers, Fill, Visits
from .scope import Scope
from .spreadsheets import Cell

MOST_ARTICLES_DRAWN = 12

Titles = Callable[[], Mapping[str, str]]
"""Looks up the titles of articles, by slug. Called only when there is an article to name."""


@dataclass(frozen=True)
class Report:
    """What the page shows of one report, and what its file holds."""

    key: str
    title: str
    meaning: str
    header: list[str]
    rows: list[list[Cell]]
    totals: list[list[Cell]]
    plot: SafeString
    is_empty: bool = False
    nothing: str = "No visits in this time."


@dataclass(frozen=True)
class Selection:
    """What a request selects: the scope of the reports, and the therapists in it."""

    scope: Scope
    therapists: list[Therapist]
    titles: Titles

    @property
    def week_labels(self) -> list[str]:
        return [month_day_short(week) for week in self.scope.weeks]

    @cached_property
    def visits(self) -> tuple[dict[date, Visits], Visits]:
        """Read once: three of the reports share this query."""
        return numbers.visits_by_week(self.scope)


def visits(selection: Selection) -> Report:
    by_week, total = selection.visits
    weeks = by_week.values()
    data = [
        plots.Data("Came", [week.came for week in weeks]),
        plots.Data("Expected, or not noted", [week.expected + week.requested for week in weeks]),
        plots.Data("No-show", [week.missed for week in weeks]),
        plots.Data("Cancelled", [week.cancelled for week in weeks]),
        plots.Data("Declined or expired", [week.declined + week.expired for week in weeks]),
    ]
    title = "Visits and cancellations by week"
    desc = f"{total.total} visits in {len(by_week)} weeks, {total.cancelled} of them cancelled."
    return Report(
        "visits",
        title,
        "Counted by the week of the visit. A visit that was moved counts in the week it is in now. “Not noted” means "
        "that the visit is past and nobody noted whether the patient came.",
        ["Week from", "All", "Came", "Expected or not noted", "Requested", "No-show", "Cancelled", "Declined",
         "Expired"],
        [[week, *_visit_cells(counts)] for week, counts in by_week.items()],
        [["Whole time", *_visit_cells(total)]],
        _safe(plots.stacked_columns("visits", title, desc, selection.week_labels, data)),
        is_empty=not total.total,
    )  # fmt: skip


def _visit_cells(counts: Visits) -> list[Cell]:
    return [
        counts.total,
        counts.came,
        counts.expected,
        counts.requested,
        counts.missed,
        counts.cancelled,
        counts.declined,
        counts.expired,
    ]


def show_rate(selection: Selection) -> Report:
    by_week, total = selection.visits
    title = "Show rate"
    desc = f"{_rounded(total.show_rate)}% came." if total.show_rate is not None else "None noted."
    data = [plots.Data("Came", [week.show_rate for week in by_week.values()])]
    return Report(
        "show-rate",
        title,
        "How many patients came, out of the visits for which staff noted it. Visits with nothing noted are not "
        "counted.",
        ["Week from", "Came", "No-show", "Show rate (%)"],
        [[week, *_show_cells(counts)] for week, counts in by_week.items()],
        [["Whole time", *_show_cells(total)]],
        _safe(plots.lines("show-rate", title, desc, selection.week_labels, data, unit="%", top=100)),
        is_empty=total.show_rate is None,
        nothing="Nobody has noted yet who came in this time.",
    )


def _show_cells(counts: Visits) -> list[Cell]:
    return [counts.came, counts.missed, _rounded(counts.show_rate)]


def lead_time(selection: Selection) -> Report:
    by_week, total = selection.visits
    title = "Lead time, from booking to visit"
    ranges = ["Same day", *(f"{first} to {end - 1} days" for first, end in pairwise(LEAD_DAYS))]
    ranges.append(f"{LEAD_DAYS[-1]} days or more")
    desc = f"Half of the visits were booked at most {_rounded(total.lead_median)} days ahead."
    return Report(
        "lead-time",
        title,
        "Days from booking to visit, for visits that took place or are confirmed. Half of them are within the median, "
        "nine of ten within the other number.",
        ["Week from", "Visits", "Median in days", "Nine of ten within, in days", *ranges],
        [[week, *_lead_cells(counts)] for week, counts in by_week.items()],
        [["Whole time", *_lead_cells(total)]],
        _safe(plots.bars("lead-time", title, desc, list(zip(ranges, total.lead_buckets, strict=True)))),
        is_empty=not sum(total.lead_buckets),
    )


def _lead_cells(counts: Visits) -> list[Cell]:
    return [sum(counts.lead_buckets), _rounded(counts.lead_median), _rounded(counts.lead_p90), *counts.lead_buckets]


def time_to_confirm(selection: Selection) -> Report:
    by_week, total = numbers.answers_by_week(selection.scope)
    title = "Time to confirm a request"
    desc = f"Half of the requests were confirmed within {_rounded(total.median)} hours of Monday to Friday."
    data = [
        plots.Data("Median", [week.median for week in by_week.values()]),
        plots.Data("Nine of ten within", [week.p90 for week in by_week.values()]),
    ]
    return Report(
        "time-to-confirm",
        title,
        "Online requests by the week they came in. Only hours from Monday to Friday count, 24 to a day. “In time” is "
        "by the date that the patient read.",
        ["Week from", "Confirmed", "Of them in time", "Median in hours", "Nine of ten within, in hours", "Declined",
         "Expired", "Still waiting"],
        [[week, *_answer_cells(answers)] for week, answers in by_week.items()],
        [["Whole time", *_answer_cells(total)]],
        _safe(plots.lines("time-to-confirm", title, desc, selection.week_labels, data, unit=" h")),
        is_empty=not (total.confirmed + total.declined + total.expired + total.waiting),
        nothing="No online requests in this time.",
    )  # fmt: skip


def _answer_cells(answers: Answers) -> list[Cell]:
    times = [_rounded(answers.median), _rounded(answers.p90)]
    return [answers.confirmed, answers.in_time, *times, answers.declined, answers.expired, answers.waiting]


def fill_of_hours(selection: Selection) -> Report:
    by_therapist = numbers.fill_of_hours(selection.scope)
    title = "Fill of working hours"
    rows: list[list[Cell]] = []
    totals: list[list[Cell]] = []
    rates, data = [], []
    for therapist in selection.therapists:
        by_week = by_therapist[therapist.pk]
        total = sum(by_week.values(), Fill())
        rows += [[week, therapist.name, *_fill_cells(fill)] for week, fill in by_week.items()]
        totals.append(["Whole time", therapist.name, *_fill_cells(total)])
        data.append(plots.Data(therapist.short_name, [fill.rate for fill in by_week.values()]))
        if total.rate is not None:
            rates.append(f"{isolate(therapist.short_name)} {_rounded(total.rate)}%")
    desc = ", ".join(rates) + "."
    return Report(
        "fill",
        title,
        "Booked hours as a share of working hours: weekly hours and other hours for a day, less absences. Turnaround "
        "is not counted, so a full day is below 100%. A visit counts even if the patient did not come.",
        ["Week from", "Therapist", "Hours offered", "Hours booked", "Fill (%)"],
        rows,
        totals,
        _safe(plots.lines("fill", title, desc, selection.week_labels, data, unit="%", top=100)),
        is_empty=not rates,
        nothing="No working hours in this time.",
    )


def _fill_cells(fill: Fill) -> list[Cell]:
    return [_rounded(fill.offered / 60), _rounded(fill.booked / 60), _rounded(fill.rate)]


def articles(selection: Selection) -> Report:
    by_slug = numbers.bookings_by_article(selection.scope)
    titles = selection.titles() if by_slug else {}
    bars = [(titles.get(slug, f"{slug} (no longer there)"), bookings) for slug, bookings in by_slug]
    title = "Articles that led to bookings"
    total = sum(bookings for _, bookings in by_slug)
    desc = f"{total} bookings from {len(bars)} articles."
    return Report(
        "articles",
        title,
        "Online bookings by readers who followed the link in one of our articles, by the day they booked. Only the "
        "number is kept, not who booked. A later cancellation does not change it.",
        ["Article", "Bookings"],
        [[name, bookings] for name, bookings in bars],
        [["All", total]],
        _safe(plots.bars("articles", title, desc, bars[:MOST_ARTICLES_DRAWN])),
        is_empty=not by_slug,
        nothing="No booking came from an article in this time.",
    )


REPORTS: dict[str, Callable[[Selection], Report]] = {
    "visits": visits,
    "show-rate": show_rate,
    "lead-time": lead_time,
    "time-to-confirm": time_to_confirm,
    "fill": fill_of_hours,
    "articles": articles,
}


def _rounded(value: float | None) -> float | None:
    """Rounded to one decimal; a whole number has none."""
    if value is None:
        return None
    return round(value) if abs(value - round(value)) < 0.05 else round(value, 1)


def _safe(svg: str) -> SafeString:
    """Marked as markup: `plots` escapes every text it draws."""
    return mark_safe(svg)  # noqa: S308 - see above
