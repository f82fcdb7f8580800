"""Weekly statistics for the reports, aggregated by PostgreSQL.

A week begins on Monday, clinic time; a visit belongs to the week it begins in. Every function is one query, except
`fill_of_hours`, which also reads the working hours. None reads a row for each visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Sum

from booking.models import ArticleCount, State, working_time
from booking.time.availability import subtract
from revival.base.clock import Span, bounds_of_days

from .scope import A_WEEK, Scope, week_of

# ---- visits, show rate, lead time -----------------------------------------------------------

LEAD_DAYS = (1, 3, 7, 14, 30)
"""Upper bounds of the buckets of lead times, in days, not included."""


@dataclass(frozen=True)
class Visits:
    """Counts of visits by outcome. Lead times are days from request to visit, without visits that were called off."""

    came: int = 0
    missed: int = 0
    expected: int = 0  # confirmed: still to come, or past without a noted outcome
    requested: int = 0
    cancelled: int = 0
    declined: int = 0
    expired: int = 0
    lead_median: float | None = None
    lead_p90: float | None = None  # 90th percentile
    lead_buckets: tuple[int, ...] = (0,) * (len(LEAD_DAYS) + 1)

    @property
    def total(self) -> int:
        ended = self.cancelled + self.declined + self.expired
        return self.came + self.missed + self.expected + self.requested + ended

    @property
    def show_rate(self) -> float | None:
        """Percentage of patients who came, of visits with a noted outcome; None without any."""
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
    """Visits of each week, and of the whole time. A visit that was moved counts in the week it is in now."""
    visits = {row[0]: Visits(*[*row[1:10], tuple(row[10:])]) for row in _rows(VISITS, scope)}
    return {week: visits.get(week, Visits()) for week in scope.weeks}, visits.get(None, Visits())


# ---- time to confirm ------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """Counts of online requests that staff had to confirm; times in hours of Monday to Friday, 24 to a day."""

    confirmed: int = 0
    in_time: int = 0
    median: float | None = None
    p90: float | None = None  # 90th percentile
    declined: int = 0
    expired: int = 0
    waiting: int = 0


WORKING_HOURS = """(
    (({0})::date - DATE '2001-01-01') / 7 * 5 + least((({0})::date - DATE '2001-01-01') %% 7, 5)
) * 24.0 + CASE WHEN extract(isodow FROM {0}) <= 5 THEN extract(epoch FROM ({0})::time) / 3600.0 ELSE 0 END"""
"""Hours of Mondays to Fridays since a Monday in 2001, in clinic-local time. Not by the clinic's calendar, on which
`clinic_calendar.answer_by` counts: weeks can be compared although opening hours changed between them."""

ANSWERS = f"""
WITH request AS (
    SELECT
        requested_at AT TIME ZONE %(zone)s AS requested,
        confirmed_at AT TIME ZONE %(zone)s AS confirmed,
        confirmed_at <= answer_by AS in_time,
        state
    FROM booking_appointment
    WHERE requested_at >= %(start)s AND requested_at < %(end)s AND therapist_id = ANY(%(therapists)s)
        AND is_online AND (confirmed_at > requested_at OR confirmed_at IS NULL)
        AND state <> 'held' AND NOT (state = 'expired' AND submission_key IS NULL AND name = '')
), answer AS (
    SELECT
        date_trunc('week', requested)::date AS week, state, in_time, confirmed,
        ({WORKING_HOURS.format("confirmed")}) - ({WORKING_HOURS.format("requested")}) AS hours
    FROM request
)
SELECT
    week,
    count(*) FILTER (WHERE confirmed IS NOT NULL),
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
    answers = {row[0]: Answers(*row[1:]) for row in _rows(ANSWERS, scope)}
    return {week: answers.get(week, Answers()) for week in scope.weeks}, answers.get(None, Answers())


# ---- fill of working hours ------------------------------------------------------------------


@dataclass(frozen=True)
class Fill:
    """Minutes of working time, and how many of them were booked."""

    offered: float = 0
    booked: float = 0

    @property
    def rate(self) -> float | None:
        """In percent; None when no time was offered."""
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
"""States of visits that count as booked time, whether the patient came or not. Turnaround is not counted."""


def fill_of_hours(scope: Scope) -> dict[int, dict[date, Fill]]:
    """Offered and booked minutes by therapist (id) and week; a week without hours is an empty Fill.

    Offered is working time as `availability` computes it: weekly hours, other hours for a day, less absences. Booked
    is the part of it that visits take; two visits at once count once, and time outside working hours does not count.
    """
    hours = working_time(scope.therapists, first=scope.first, last=scope.last, zone=scope.zone)
    spans = [
        (pk, week, span)
        for pk, working in hours.items()
        for opening in subtract(working.openings, working.away)
        for week, span in _by_week(opening, scope.zone)
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
    """Cut a span at the ends of weeks: each week with its part."""
    start = span.start
    while start < span.end:
        week = week_of(start.astimezone(zone).date())
        end = min(span.end, bounds_of_days(week, week + A_WEEK - timedelta(days=1), zone).end)
        yield week, Span(start, end)
        start = end


# ---- articles -------------------------------------------------------------------------------


def bookings_by_article(scope: Scope) -> list[tuple[str, int]]:
    """Slug and number of bookings of each article, by the day of booking; most bookings first."""
    rows = ArticleCount.objects.filter(therapist__in=scope.therapists, day__range=(scope.first, scope.last))
    return list(rows.values_list("article").annotate(sum=Sum("bookings")).order_by("-sum", "article"))


def _rows(query: str, scope: Scope, **parameters: Any) -> list[tuple[Any, ...]]:  # Any: as the query has them
    parameters |= {
        "zone": scope.zone.key,
        "start": scope.bounds.start,
        "end": scope.bounds.end,
        "therapists": list(scope.therapists),
    }
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [tuple(_as_float(value) for value in row) for row in cursor.fetchall()]


def _as_float(value: object) -> object:
    """PostgreSQL's `numeric` as a float, for arithmetic with the other numbers."""
    return float(value) if isinstance(value, Decimal) else value
