"""What a week of free times costs, and whether years of past visits make it dearer.

In this process, over 0, 10 thousand and 1 million past visits (confirmed, so they count as occupying) of ten therapists
with split days, absences, other hours and about 30 % of the coming 60 days booked: (a) `free_times` for all ten and 60
days, (b) the page of free times with whoever is free. CPU leaves out the database's share, which the
wall time has. Then the plan of the query for what is taken. The exit code is 1 when a promise is broken.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from datetime import time as wall

from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.bench.in_process import medians, queries_of, run  # isort: skip - it sets Django up
from booking.desk.reports import plots
from booking.models import Override, Service, Terms, Therapist, free_times
from tests import factories as make
from tests.bench import curves
from tests.bench.past import add_past
from tests.bench.promises import said

THERAPISTS, DAYS, PAST = 10, 60, (0, 10_000, 1_000_000)
QUERIES, CPU_MS, PAGE_MS, ALIKE = 6, 20, 30, 1.2


def a_busy_clinic() -> tuple[list[Therapist], Service]:
    therapists = [make.a_therapist(f"therapist-{n}", order=n) for n in range(THERAPISTS)]
    service = make.a_service(*therapists, slug="visit", notice_hours=24, horizon_days=DAYS)
    dice = random.Random(7)
    for n, therapist in enumerate(therapists):
        make.working_all_week(therapist, wall(9), wall(12))
        make.working_all_week(therapist, wall(13), wall(17))
        make.an_absence(therapist, make.in_days(5 + 4 * n), make.in_days(9 + 4 * n))
        Override.objects.create(therapist=therapist, day=make.day_in(3 + n), opens=wall(11), closes=wall(19))
        for day in range(1, DAYS + 1):  # 3 × 40 of 420 minutes
            for hour in dice.sample((9, 10, 11, 13, 14, 15, 16), 3):
                make.an_appointment(therapist, service, make.in_days(day, hour))
    make.an_absence(None, make.in_days(30, 0), make.in_days(31, 0))
    return therapists, service


def measure() -> bool:
    """Print the table, the promises and the plan; whether all promises are kept."""
    therapists, service = a_busy_clinic()
    client, rows = Client(), []

    def ask() -> object:
        days = {"first": make.day_in(0), "last": make.day_in(DAYS), "now": timezone.now(), "zone": make.CHICAGO}
        return free_times(Terms.anew(service), Therapist.objects.giving(service), **days)

    def page() -> None:
        response = client.get(f"/book/any/{service.slug}/")
        assert b"First free time" in response.content, response.status_code

    print("past visits | free_times: queries  CPU ms  wall ms | page: queries  CPU ms  wall ms | rows written in")
    for before, past in zip((0, *PAST), PAST, strict=False):
        with connection.cursor() as cursor:
            took = add_past(cursor, before, past, [one.pk for one in therapists], make.in_days(0, 0))
        row = [*medians(ask, 50), *medians(page, 30)]
        queries, of_page = queries_of(ask), queries_of(page)
        rows.append([len(queries), *row])
        mine, its = f"{len(queries):>19} {row[0]:>7.1f} {row[1]:>8.1f}", f"{row[2]:>7.1f} {row[3]:>8.1f}"
        print(f"{past:>11,} | {mine} | {len(of_page):>13} {its} | {took:>13.0f} s", flush=True)
    cpu = plots.Data("CPU milliseconds for 10 therapists and 60 days", [row[1] for row in rows])
    title = "Free times, by visits in the past"
    curves.keep("slots", plots.lines("slots", title, "They do not grow", [f"{past:,}" for past in PAST], [cpu]))
    is_kept = said(promises_of(rows))
    print_plans(statement for statement in queries if 'FROM "booking_appointment"' in statement)
    return is_kept


def promises_of(rows: list[list[float]]) -> dict[str, bool]:
    counted, *columns = zip(*rows, strict=True)
    names = ("CPU of free_times", "wall of free_times", "CPU of page", "wall of page")
    alike = {f"{name} within 20 %": max(ms) <= ALIKE * min(ms) for name, ms in zip(names, columns, strict=True)}
    return alike | {
        f"queries <= {QUERIES}": max(counted) <= QUERIES,
        f"CPU of free_times < {CPU_MS} ms": max(columns[0]) < CPU_MS,
        f"wall of page < {PAGE_MS} ms": max(columns[3]) < PAGE_MS,
    }


def print_plans(statements: Iterable[str]) -> None:
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}")
            print(f"\n{statement}\n", *(line for (line,) in cursor.fetchall()), sep="\n")


if __name__ == "__main__":
    sys.exit(run(measure))
