"""What the desk's pages cost a clinic of ten therapists: a week of 400 visits, its day, the first page and a list.

In this process, as a colleague at the front desk, without the network: the time the application and its database take.
The exit code is 1 when a promise is broken.
"""

from __future__ import annotations

import random
import statistics
import sys
import time

from django.test import Client

from tests.bench.in_process import queries_of, run  # isort: skip - it sets Django up
from booking.models import Appointment, State
from tests import factories as make
from tests.bench.promises import said
from tests.staff import FRONT_DESK, signed_in_as

THERAPISTS, VISITS, ROUNDS = 10, 400, 60
WEEK_MS, QUERIES = 150, 10
LISTS = ("list of visits", "day sheet")
STATES = [State.CONFIRMED] * 7 + [State.REQUESTED] * 2 + [State.HELD]


def a_full_week() -> None:
    """Next week: 40 visits a therapist on 5 days, hours with a break, an absence each, and a few past the rules."""
    therapists = [make.a_therapist(f"therapist-{n}", order=n) for n in range(THERAPISTS)]
    service = make.a_service(*therapists, slug="visit", minutes=30, turnaround_minutes=5)
    dice = random.Random(7)
    monday = 7 - make.day_in(0).weekday()
    for therapist in therapists:
        make.working_all_week(therapist)
        for day in range(5):
            for number in range(VISITS // THERAPISTS // 5):
                start = make.in_days(monday + day, 9 + number)
                facts = {"name": f"Patient {number} {therapist.slug}"}
                make.an_appointment(therapist, service, start, dice.choice(STATES), **facts)
        make.an_absence(therapist, make.in_days(monday + 5, 0), make.in_days(monday + 7, 0))


def milliseconds(client: Client, path: str) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert client.get(path).status_code == 200
        taken.append(1000 * (time.perf_counter() - began))
    return sorted(taken)


def measure() -> bool:
    a_full_week()
    client = signed_in_as(FRONT_DESK)
    monday = make.day_in(7 - make.day_in(0).weekday()).isoformat()
    pages = {
        "calendar, week": f"/admin/calendar/?from={monday}",
        "calendar, day": f"/admin/calendar/?from={monday}&view=day",
        "first page": "/admin/",
        "list of visits": "/admin/booking/appointment/",
        "day sheet": f"/admin/calendar/day-sheet/?day={monday}",
    }
    print(f"{Appointment.objects.count()} visits, {THERAPISTS} therapists\n")
    print(f"{'page':<16} {'p50 ms':>8} {'p99 ms':>8} {'queries':>8} {'kB':>8}")
    median, asked = {}, {}
    for name, path in pages.items():
        milliseconds(client, path)  # warm
        taken = milliseconds(client, path)
        median[name], asked[name] = statistics.median(taken), len(queries_of(lambda path=path: client.get(path)))
        size = len(client.get(path).content) / 1000
        print(f"{name:<16} {median[name]:>8.1f} {taken[-1]:>8.1f} {asked[name]:>8} {size:>8.1f}", flush=True)
    return said(
        {
            f"week under {WEEK_MS} ms at p50": median["calendar, week"] < WEEK_MS,
            f"lists ask at most {QUERIES} times": max(asked[name] for name in LISTS) <= QUERIES,
        }
    )


if __name__ == "__main__":
    sys.exit(run(measure))
