"""Dates and hours in words: every date names its year when that is not the present one at the clinic."""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from revival.base import words
from revival.base.clock import Span

CHICAGO = ZoneInfo("America/Chicago")
TEMPLATE_FORMAT = re.compile(r"""\|\s*date:\s*["']([^"']*)["']|{%\s*now\s+["']([^"']*)["']""")
MONTH_BY_NAME = re.compile(r"%-?[Bbh]\b|\bdate_format\(|\bstrftime\(|\bmonth_(?:name|abbr)\b")
MONTHS, YEARS = set("FMNEbmn"), set("YyocrU")


def sources(*folders: str, endings: tuple[str, ...]) -> list[Path]:
    root = settings.BASE_DIR
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.suffix in endings]
    return [path.relative_to(root) for path in files if "migrations" not in path.parts]


def without_year(text: str) -> list[str]:
    """Formats of a template that show a month, and no year."""
    formats = [first or second for first, second in TEMPLATE_FORMAT.findall(text)]
    bare = [re.sub(r"\\.", "", given) for given in formats]
    return [given for given in bare if MONTHS & set(given) and not YEARS & set(given)]


def test_no_template_writes_a_month_without_its_year():
    found = {
        str(path): bad
        for path in sources("templates", endings=(".html", ".txt", ".js"))
        if (bad := without_year((settings.BASE_DIR / path).read_text()))
    }

    assert found == {}


@pytest.mark.parametrize("text", ['{{ day|date:"F j" }}', "{{ day|date:'D, M j' }}", '{% now "N j" %}'])
def test_the_scan_finds_what_it_looks_for(text):
    assert without_year(text)


def test_no_module_names_a_month_but_the_one_for_words():
    found = {
        str(path)
        for path in sources("revival", "articles", "booking", endings=(".py",))
        if MONTH_BY_NAME.search((settings.BASE_DIR / path).read_text())
    }

    assert found == {"revival/base/words.py"}


NEW_YEARS_EVE = datetime(2027, 1, 1, 5, 30, tzinfo=UTC)
"""Still December 31, 2026 at the clinic, and 2027 in UTC."""
DAY_FILTERS = [words.day_words, words.day_short, words.month_day]


@pytest.mark.parametrize("in_words", [*DAY_FILTERS, words.day_and_hour])
def test_a_date_names_its_year_unless_it_is_the_present_one_at_the_clinic(in_words):
    with time_machine.travel(NEW_YEARS_EVE, tick=False), timezone.override(CHICAGO):
        later, today = NEW_YEARS_EVE + timedelta(hours=1), NEW_YEARS_EVE

        assert "2027" in in_words(later)
        assert not re.search(r"\d{4}", re.sub("<[^>]*>", "", in_words(today)))


@pytest.mark.parametrize("in_words", [*DAY_FILTERS, words.month_day_short])
def test_so_does_a_day_of_the_past(in_words):
    with time_machine.travel(NEW_YEARS_EVE, tick=False), timezone.override(CHICAGO):
        assert in_words(date(2025, 12, 31)).endswith("31, 2025")


def test_both_ends_of_a_span_do():
    with time_machine.travel(NEW_YEARS_EVE, tick=False), timezone.override(CHICAGO):
        days = [datetime.combine(date(2026, 12, 24) + timedelta(days=n), time(0), CHICAGO) for n in (0, 11)]

        assert words.span_words(Span(*days)) == "Thursday, December 24 to Sunday, January 3, 2027, all day"


# ---- opening hours ----


def at(*hours: int) -> list[time]:
    return [time(hour) for hour in hours]


@pytest.mark.parametrize(
    ("week", "lines"),
    [
        ([], []),
        (
            [*((day, *at(8, 19)) for day in range(4)), (4, *at(8, 12))],
            ["Monday to Thursday 8 am to 7 pm", "Friday 8 am to noon"],
        ),
        ([(0, *at(8, 12)), (0, *at(13, 17)), (1, *at(8, 12)), (1, *at(13, 17))],
         ["Monday and Tuesday 8 am to noon and 1 pm to 5 pm"]),
        ([(0, *at(9, 17)), (2, *at(9, 17))], ["Monday 9 am to 5 pm", "Wednesday 9 am to 5 pm"]),
        ([(0, *at(9, 12)), (0, *at(12, 17))], ["Monday 9 am to 5 pm"]),  # no break between them
        ([(5, time(8, 30), time(0)), (6, time(0), time(0))], ["Saturday 8:30 am to midnight", "Sunday all day"]),
    ],
)  # fmt: skip
def test_opening_hours_are_said_by_days_in_a_row(week, lines):
    assert words.opening_lines(week) == lines
