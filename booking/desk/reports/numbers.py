"""How the clinic does: numbers by week, added up by PostgreSQL, with nobody in them.

A week begins on Monday at the clinic, a visit belongs to the week it begins in. Every function is one query, but
`fill_of_hours`, which reads the hours besides; none reads a row for each visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Sum

from booking.models import ArticleCount, State, working_time
from booking.time.availability import subtract
from revival.base.clock import Span, bounds_of_days

A_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Scope:
    """What a report is about: clinic-local dates, both included, and therapists (ids)."""

    first: date
    last: date
    therapists: tuple[int, ...]
    zone: ZoneInfo

    @property
    def weeks(self) -> list[date]:
        """The Monday of each week that the dates meet."""
        monday = week_of(self.first)
        return [monday + A_WEEK * number for number in range((self.last - monday).days // 7 + 1)]

    @property
    def bounds(self) -> Span:
        return bounds_of_days(self.first, self.last, self.zone)


def week_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


# ---- visits, show rate, lead time -----------------------------------------------------------

LEAD_DAYS = (1, 3, 7, 14, 30)
"""Where a bucket of lead times ends: so many days is in the next one."""


@dataclass(frozen=True)
class Visits:
    """Counts of visits by what became of them; `lead` in days from asking to the visit, of those not ended before."""

    came: int = 0
    missed: int = 0
    expected: int = 0  # confirmed: still to come, or nobody noted what became of it
    requested: int = 0
    cancelled: int = 0
    declined: int = 0
    expired: int = 0
    lead_median: float | None = None
    lead_most: float | None = None  # nine of ten were within
    lead_buckets: tuple[int, ...] = (0,) * (len(LEAD_DAYS) + 1)

    @property
    def total(self) -> int:
        ended = self.cancelled + self.declined + self.expired
        return self.came + self.missed + self.expected + self.requested + ended

    @property
    def show_rate(self) -> float | None:
        """Of those whose end was noted, how many came, in per cent; None when none was noted."""
        noted = self.came + self.missed
        return 100 * self.came / noted if noted else None


VISITS = """
WITH visit AS (
    SELECT
        date_trunc('week', starts_at AT TIME ZONE %(zone)s)::date AS week,
        state,
        CASE WHEN state IN ('confirmed', 'arrived', 'completed', 'no-show') THEN
            (starts_at AT TIME ZONE %(zone)s)::date - (requested_at AT TIME ZONE %(zone)s)::date
        END AS lead
    FROM booking_appointment
    WHERE starts_at >= %(start)s AND starts_at < %(end)s AND therapist_id = ANY(%(therapists)s)
        AND state <> 'held' AND NOT (state = 'expired' AND submission_key IS NULL AND name = '')
)
SELECT
    week,
    count(*) FILTER (WHERE state IN ('arrived', 'completed')),
    count(*) FILTER (WHERE state = 'no-show'),
    count(*) FILTER (WHERE state = 'confirmed'),
    count(*) FILTER (WHERE state = 'requested'),
    count(*) FILTER (WHERE state = 'cancelled'),
    count(*) FILTER (WHERE state = 'declined'),
    count(*) FILTER (WHERE state = 'expired'),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY lead),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY lead),
    count(*) FILTER (WHERE lead < 1),
    count(*) FILTER (WHERE lead >= 1 AND lead < 3),
    count(*) FILTER (WHERE lead >= 3 AND lead < 7),
    count(*) FILTER (WHERE lead >= 7 AND lead < 14),
    count(*) FILTER (WHERE lead >= 14 AND lead < 30),
    count(*) FILTER (WHERE lead >= 30)
FROM visit GROUP BY ROLLUP (week)
"""


def visits_by_week(scope: Scope) -> tuple[dict[date, Visits], Visits]:
    """Each week's visits, and those of the whole time. A visit that was moved counts where it stands now."""
    found = {row[0]: Visits(*[*row[1:10], tuple(row[10:])]) for row in _rows(VISITS, scope)}
    return {week: found.get(week, Visits()) for week in scope.weeks}, found.get(None, Visits())


# ---- time to confirm ------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """Online requests that staff had to confirm; times in hours of Monday to Friday, 24 to a day."""

    confirmed: int = 0
    in_time: int = 0
    median: float | None = None
    most: float | None = None  # nine of ten took at most this long
    declined: int = 0
    expired: int = 0
    waiting: int = 0


WORKING_HOURS = """(
    (({0})::date - DATE '2001-01-01') / 7 * 5 + least((({0})::date - DATE '2001-01-01') %% 7, 5)
) * 24.0 + CASE WHEN extract(isodow FROM {0}) <= 5 THEN extract(epoch FROM ({0})::time) / 3600.0 ELSE 0 END"""
"""Hours of Mondays to Fridays since a Monday, by the clock on the clinic's wall: as `availability.answer_by` counts
the days in which we promise an answer. Closed days count, as they do there."""

ANSWERS = f"""
WITH request AS (
    SELECT
        requested_at AT TIME ZONE %(zone)s AS asked,
        confirmed_at AT TIME ZONE %(zone)s AS agreed,
        confirmed_at <= answer_by AS in_time,
        state
    FROM booking_appointment
    WHERE requested_at >= %(start)s AND requested_at < %(end)s AND therapist_id = ANY(%(therapists)s)
        AND is_online AND (confirmed_at > requested_at OR confirmed_at IS NULL)
        AND state <> 'held' AND NOT (state = 'expired' AND submission_key IS NULL AND name = '')
), answer AS (
    SELECT
        date_trunc('week', asked)::date AS week, state, in_time, agreed,
        ({WORKING_HOURS.format("agreed")}) - ({WORKING_HOURS.format("asked")}) AS hours
    FROM request
)
SELECT
    week,
    count(*) FILTER (WHERE agreed IS NOT NULL),
    count(*) FILTER (WHERE in_time),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY hours),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY hours),
    count(*) FILTER (WHERE state = 'declined'),
    count(*) FILTER (WHERE state = 'expired'),
    count(*) FILTER (WHERE state = 'requested')
FROM answer GROUP BY ROLLUP (week)
"""  # noqa: S608 - constants of this file


def answers_by_week(scope: Scope) -> tuple[dict[date, Answers], Answers]:
    """Online requests by the week in which they came in, and those of the whole time."""
    found = {row[0]: Answers(*row[1:]) for row in _rows(ANSWERS, scope)}
    return {week: found.get(week, Answers()) for week in scope.weeks}, found.get(None, Answers())


# ---- fill of working hours ------------------------------------------------------------------


@dataclass(frozen=True)
class Fill:
    """Minutes of working time, and how many of them a visit stood in."""

    offered: float = 0
    booked: float = 0

    @property
    def rate(self) -> float | None:
        """In per cent; None when no time was offered."""
        return 100 * self.booked / self.offered if self.offered else None

    def __add__(self, other: Fill) -> Fill:
        return Fill(self.offered + other.offered, self.booked + other.booked)


BOOKED = """
WITH offered AS (
    SELECT therapist, week, range_agg(tstzrange(opens, closes)) AS spans
    FROM unnest(%(ids)s::bigint[], %(weeks)s::date[], %(opens)s::timestamptz[], %(closes)s::timestamptz[])
        AS span(therapist, week, opens, closes)
    GROUP BY therapist, week
), booked AS (
    SELECT therapist_id AS therapist, range_agg(tstzrange(starts_at, ends_at)) AS spans
    FROM booking_appointment
    WHERE starts_at >= %(start)s - interval '1 day' AND starts_at < %(end)s AND therapist_id = ANY(%(therapists)s)
        AND state = ANY(%(states)s)
    GROUP BY therapist_id
)
SELECT therapist, week, (
    SELECT coalesce(sum(extract(epoch FROM upper(span) - lower(span))), 0) / 60.0
    FROM unnest(offered.spans * booked.spans) AS span
)
FROM offered JOIN booked USING (therapist)
"""

TAKES_TIME = [State.REQUESTED, State.CONFIRMED, State.ARRIVED, State.COMPLETED, State.NO_SHOW]
"""Whose time was kept for a patient, whether they came or not. Turnaround is not counted."""


def fill_of_hours(scope: Scope) -> dict[int, dict[date, Fill]]:
    """Offered and booked minutes by therapist (id) and week; a week without hours is an empty Fill.

    Offered is working time as `availability` knows it: weekly hours, other hours for a day, less absences. Booked
    is the part of it in which a visit stands; two at once count once, and what lies outside of hours not at all.
    """
    hours = working_time(scope.therapists, first=scope.first, last=scope.last, zone=scope.zone)
    spans = [
        (pk, week, span)
        for pk, one in hours.items()
        for whole in subtract(one.openings, one.away)
        for week, span in _by_week(whole, scope.zone)
    ]
    offered: dict[tuple[int, date], float] = {}
    for pk, week, span in spans:
        offered[pk, week] = offered.get((pk, week), 0) + (span.end - span.start).total_seconds() / 60
    booked = {
        (pk, week): float(minutes)
        for pk, week, minutes in _rows(
            BOOKED,
            scope,
            ids=[pk for pk, _, _ in spans],
            weeks=[week for _, week, _ in spans],
            opens=[span.start for _, _, span in spans],
            closes=[span.end for _, _, span in spans],
            states=[str(state) for state in TAKES_TIME],
        )
    }
    return {
        pk: {week: Fill(offered.get((pk, week), 0), booked.get((pk, week), 0)) for week in scope.weeks}
        for pk in scope.therapists
    }


def _by_week(span: Span, zone: ZoneInfo) -> Iterator[tuple[date, Span]]:
    """The parts of a span by the week they lie in; hardly any reaches into the next one."""
    start = span.start
    while start < span.end:
        week = week_of(start.astimezone(zone).date())
        end = min(span.end, bounds_of_days(week, week + A_WEEK - timedelta(days=1), zone).end)
        yield week, Span(start, end)
        start = end


# ---- articles -------------------------------------------------------------------------------


def bookings_by_article(scope: Scope) -> list[tuple[str, int]]:
    """Slug of the article and how many bookings its readers made, most first; by the day of booking."""
    rows = ArticleCount.objects.filter(therapist__in=scope.therapists, day__range=(scope.first, scope.last))
    return list(rows.values_list("article").annotate(sum=Sum("bookings")).order_by("-sum", "article"))


def _rows(query: str, scope: Scope, **more: Any) -> list[tuple[Any, ...]]:
    bounds = scope.bounds
    facts: dict[str, Any] = {
        "zone": scope.zone.key,
        "start": bounds.start,
        "end": bounds.end,
        "therapists": list(scope.therapists),
    }
    with connection.cursor() as cursor:
        cursor.execute(query, facts | more)
        return [tuple(_plain(row)) for row in cursor.fetchall()]


def _plain(row: Iterable[Any]) -> Iterator[Any]:
    """PostgreSQL's exact numbers as floats: they are means of seconds."""
    for value in row:
        is_exact = value is not None and not isinstance(value, (int, float, str, date, datetime))
        yield float(value) if is_exact else value
