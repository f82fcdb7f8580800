"""Reports: six questions, each with a plot and the table it is drawn from, also as a file. Numbers alone, no people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from booking.desk.hours.week_form import DayField
from booking.models import Therapist

from . import numbers, plots
from .numbers import LEAD_DAYS, Scope
from .plots import Series
from .spreadsheets import Cell, as_csv

LONGEST_DAYS = 732
USUAL_WEEKS = 12

Titles = Callable[[], Mapping[str, str]]
"""What articles are called, by slug; asked for when there is something to name."""


class ScopeForm(forms.Form):
    """From when to when, and whose."""

    first = DayField(label="From")
    last = DayField(label="To")
    therapist = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.everyone = list(Therapist.objects.seen_by(user))
        therapist: Any = self.fields["therapist"]
        therapist.choices = [("", "Everyone"), *((one.slug, one.name) for one in self.everyone)]

    def clean(self) -> dict[str, Any]:
        kept: dict[str, Any] = super().clean() or {}
        first, last = kept.get("first"), kept.get("last")
        if first and last and last < first:
            self.add_error("last", "The last day is before the first.")
        elif first and last and (last - first).days > LONGEST_DAYS:
            self.add_error("last", "Choose at most two years.")
        return kept

    @property
    def chosen(self) -> list[Therapist]:
        """One therapist, or all whom this person sees."""
        return [one for one in self.everyone if self.cleaned_data["therapist"] in ("", one.slug)]


@dataclass(frozen=True)
class Report:
    """One question: a plot, the table beside it, and what the numbers mean."""

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
class Asked:
    """What a request asks for: whose, from when to when."""

    scope: Scope
    therapists: list[Therapist]
    titles: Titles
    read: dict[Scope, tuple[dict[date, numbers.Visits], numbers.Visits]] = field(default_factory=dict)

    @property
    def weeks(self) -> list[str]:
        return [f"{week:%b} {week.day}" for week in self.scope.weeks]


@require_safe
def reports_page(request: HttpRequest, titles: Titles) -> HttpResponse:
    """`?first=` and `last=` (dates, both included), `therapist=<slug>` for one of them."""
    form = _form(request)
    asked = _asked(form, titles) if form.is_valid() else None
    context = {
        **admin.site.each_context(request),
        "title": "Reports",
        "form": form,
        "reports": [make(asked) for make in REPORTS.values()] if asked else [],
        "asked": asked,
    }
    return render(request, "booking/desk/reports/page.html", context, status=200 if asked else 422)


@require_safe
def report_table(request: HttpRequest, key: str, titles: Titles) -> HttpResponse:
    """One table as a file, of the same time and therapist as the page."""
    form = _form(request)
    if key not in REPORTS:
        raise Http404
    if not form.is_valid():
        context = {**admin.site.each_context(request), "title": "Reports", "form": form}
        return render(request, "booking/desk/reports/page.html", context, status=422)
    asked = _asked(form, titles)
    report = REPORTS[key](asked)
    response = HttpResponse(as_csv(report.header, report.rows + report.totals), content_type="text/csv; charset=utf-8")
    name = f"{key}-{asked.scope.first}-{asked.scope.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _form(request: HttpRequest) -> ScopeForm:
    if not request.user.has_perm("booking.view_appointment"):
        raise PermissionDenied
    today = timezone.localdate()
    usual = {"first": numbers.week_of(today) - timedelta(weeks=USUAL_WEEKS - 1), "last": today, "therapist": ""}
    typed = {name: request.GET[name] for name in usual if name in request.GET}
    return ScopeForm({name: f"{value}" for name, value in usual.items()} | typed, user=request.user)


def _asked(form: ScopeForm, titles: Titles) -> Asked:
    typed, ids = form.cleaned_data, tuple(one.pk for one in form.chosen)
    zone = ZoneInfo(timezone.get_current_timezone_name())  # the clinic’s is the active one
    return Asked(Scope(typed["first"], typed["last"], ids, zone), form.chosen, titles)


# ---- one function a question ----------------------------------------------------------------


def visits(asked: Asked) -> Report:
    by_week, whole = _visits(asked)
    kinds = {
        "Came": [one.came for one in by_week.values()],
        "Expected, or not noted": [one.expected + one.requested for one in by_week.values()],
        "No-show": [one.missed for one in by_week.values()],
        "Cancelled": [one.cancelled for one in by_week.values()],
        "Declined or expired": [one.declined + one.expired for one in by_week.values()],
    }
    rows = [[*_week(week), *_counts(one)] for week, one in by_week.items()]
    title = "Visits and cancellations by week"
    return Report(
        "visits",
        title,
        "By the week of the visit. A visit that was moved counts where it is now. “Not noted”: it has gone by, and "
        "nobody noted whether the patient came.",
        ["Week from", "All", "Came", "Expected or not noted", "Requested", "No-show", "Cancelled", "Declined",
         "Expired"],
        rows,
        [["Whole time", *_counts(whole)]],
        _drawn(
            plots.stacked_columns(
                "visits", title, f"{whole.total} visits in {len(by_week)} weeks, {whole.cancelled} of them cancelled.",
                asked.weeks, [Series(name, values) for name, values in kinds.items()],
            )
        ),
        is_empty=not whole.total,
    )  # fmt: skip


def _counts(one: numbers.Visits) -> list[Cell]:
    return [
        one.total,
        one.came,
        one.expected,
        one.requested,
        one.missed,
        one.cancelled,
        one.declined,
        one.expired,
    ]


def show_rate(asked: Asked) -> Report:
    by_week, whole = _visits(asked)
    title = "Show rate"
    rows = [[*_week(week), one.came, one.missed, _rounded(one.show_rate)] for week, one in by_week.items()]
    totals: list[list[Cell]] = [["Whole time", whole.came, whole.missed, _rounded(whole.show_rate)]]
    desc = f"{_rounded(whole.show_rate)}% came." if whole.show_rate is not None else "None noted."
    values = [one.show_rate for one in by_week.values()]
    return Report(
        "show-rate",
        title,
        "Of the visits whose end was noted, how many came. Visits with nothing noted are not counted.",
        ["Week from", "Came", "No-show", "Show rate (%)"],
        rows,
        totals,
        _drawn(plots.lines("show-rate", title, desc, asked.weeks, [Series("Came", values)], unit="%", top=100)),
        is_empty=whole.show_rate is None,
        nothing="It is not noted yet who came in this time.",
    )


def lead_time(asked: Asked) -> Report:
    by_week, whole = _visits(asked)
    title = "Lead time, from booking to visit"
    words = ["Same day", *(_days(first, last - 1) for first, last in pairwise(LEAD_DAYS))]
    words.append(f"{LEAD_DAYS[-1]} days or more")
    desc = f"Half of the visits were booked at most {_rounded(whole.lead_median)} days ahead."
    return Report(
        "lead-time",
        title,
        "Days from asking to the visit, of visits that took place or are agreed. The median is the middle one; nine "
        "of ten are within the other number.",
        ["Week from", "Visits", "Median in days", "Nine of ten within, in days", *words],
        [[*_week(week), *_leads(one)] for week, one in by_week.items()],
        [["Whole time", *_leads(whole)]],
        _drawn(plots.bars("lead-time", title, desc, list(zip(words, whole.lead_buckets, strict=True)))),
        is_empty=not sum(whole.lead_buckets),
    )


def _days(first: int, last: int) -> str:
    return f"{first} to {last} days"


def _leads(one: numbers.Visits) -> list[Cell]:
    return [sum(one.lead_buckets), _rounded(one.lead_median), _rounded(one.lead_most), *one.lead_buckets]


def time_to_confirm(asked: Asked) -> Report:
    by_week, whole = numbers.answers_by_week(asked.scope)
    title = "Time to confirm a request"
    desc = f"Half of the requests were confirmed within {_rounded(whole.median)} hours of Monday to Friday."
    series = [
        Series("Median", [one.median for one in by_week.values()]),
        Series("Nine of ten within", [one.most for one in by_week.values()]),
    ]
    return Report(
        "time-to-confirm",
        title,
        "Online requests by the week they came in. Hours are those of Monday to Friday, 24 to a day, as in the promise "
        "to answer within working days; Saturdays and Sundays do not count.",
        ["Week from", "Confirmed", "Of them in time", "Median in hours", "Nine of ten within, in hours", "Declined",
         "Expired", "Still waiting"],
        [[*_week(week), *_answers(one)] for week, one in by_week.items()],
        [["Whole time", *_answers(whole)]],
        _drawn(plots.lines("time-to-confirm", title, desc, asked.weeks, series, unit=" h")),
        is_empty=not (whole.confirmed + whole.declined + whole.expired + whole.waiting),
        nothing="No online requests in this time.",
    )  # fmt: skip


def _answers(one: numbers.Answers) -> list[Cell]:
    times = [_rounded(one.median), _rounded(one.most)]
    return [one.confirmed, one.in_time, *times, one.declined, one.expired, one.waiting]


def fill_of_hours(asked: Asked) -> Report:
    found = numbers.fill_of_hours(asked.scope)
    title = "Fill of working hours"
    rows: list[list[Cell]] = []
    totals: list[list[Cell]] = []
    said, series = [], []
    for one in asked.therapists:
        weeks = found[one.pk]
        whole = sum(weeks.values(), numbers.Fill())
        rows += [[*_week(week), one.name, *_filled(fill)] for week, fill in weeks.items()]
        totals.append(["Whole time", one.name, *_filled(whole)])
        series.append(Series(one.short_name, [fill.rate for fill in weeks.values()]))
        if whole.rate is not None:
            said.append(f"{one.short_name} {_rounded(whole.rate)}%")
    return Report(
        "fill",
        title,
        "Hours booked, of the hours worked: weekly hours and other hours for a day, less absences. "
        "Turnaround is not counted, so that a full day is below 100%; a visit counts even when nobody came.",
        ["Week from", "Therapist", "Hours offered", "Hours booked", "Fill (%)"],
        rows,
        totals,
        _drawn(plots.lines("fill", title, ", ".join(said) + ".", asked.weeks, series, unit="%", top=100)),
        is_empty=not said,
        nothing="No working hours in this time.",
    )


def _filled(one: numbers.Fill) -> list[Cell]:
    return [_rounded(one.offered / 60), _rounded(one.booked / 60), _rounded(one.rate)]


def articles(asked: Asked) -> Report:
    found = numbers.bookings_by_article(asked.scope)
    titles = asked.titles() if found else {}
    named = [(titles.get(slug, f"{slug} (no longer there)"), number) for slug, number in found]
    title = "Articles that led to bookings"
    number = sum(number for _, number in found)
    return Report(
        "articles",
        title,
        "Online bookings by people who came from an article by our own link, on the day they booked. Only the number "
        "is kept, nothing of who it was, and it stays when a visit is cancelled later.",
        ["Article", "Bookings"],
        [[name, number] for name, number in named],
        [["All", number]],
        _drawn(plots.bars("articles", title, f"{number} bookings from {len(named)} articles.", named[:MOST_DRAWN])),
        is_empty=not found,
        nothing="No booking came from an article in this time.",
    )


MOST_DRAWN = 12

REPORTS: dict[str, Callable[[Asked], Report]] = {
    "visits": visits,
    "show-rate": show_rate,
    "lead-time": lead_time,
    "time-to-confirm": time_to_confirm,
    "fill": fill_of_hours,
    "articles": articles,
}


def _visits(asked: Asked) -> tuple[dict[date, numbers.Visits], numbers.Visits]:
    """Three of the questions are answered by one query."""
    if asked.scope not in asked.read:
        asked.read[asked.scope] = numbers.visits_by_week(asked.scope)
    return asked.read[asked.scope]


def _week(week: date) -> list[Cell]:
    """Words on the page, 2026-09-07 in the file."""
    return [week]


def _rounded(value: float | None) -> float | None:
    """To one decimal; whole numbers without one."""
    if value is None:
        return None
    return round(value) if abs(value - round(value)) < 0.05 else round(value, 1)


def _drawn(svg: str) -> SafeString:
    """All words in it are escaped where it is made."""
    return mark_safe(svg)  # noqa: S308 - see above
