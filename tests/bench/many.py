"""A group of a thousand clinics in one database: 10,000 therapists, 10 million visits. What breaks first.

`MANY_VISITS=1000000` takes fewer. Prints waiting times of the pages and actions that everyone meets, the sizes of
tables and indexes, and how long a vacuum takes. There is no promise in it: it tells how far one table carries.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable

from django.db import connection
from django.test import Client

from tests.bench.in_process import run  # isort: skip - it sets Django up
from booking.models import Service, Shift, Therapist
from tests import factories as make
from tests.bench.slots import add_past
from tests.staff import at_the_desk, one_as

START = re.compile(r'name="start" value="([^"]+)"')
CLINICS, THERAPISTS_EACH, VISITS = 1000, 10, int(os.environ.get("MANY_VISITS", "10_000_000"))
STEPS, SAMPLES = 10, 60
SIZES = """
SELECT relname, pg_total_relation_size(oid) / 1e6, pg_indexes_size(oid) / 1e6 FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 5
"""
INDEXES = """
SELECT indexrelname, pg_relation_size(indexrelid) / 1e6 FROM pg_stat_user_indexes
WHERE relname = 'booking_appointment' ORDER BY 2 DESC
"""


def many_clinics() -> list[Therapist]:
    """Each clinic is a service with ten therapists, who work all week and have a visit in the coming days."""
    rows = [
        Therapist(slug=f"t-{number}", name=f"Dr. Number {number}", short_name=f"Dr. {number}", order=number)
        for number in range(CLINICS * THERAPISTS_EACH)
    ]
    therapists = Therapist.objects.bulk_create(rows, batch_size=1000)
    pattern = make.a_therapist("pattern")
    make.working_all_week(pattern)
    hours = list(Shift.objects.filter(therapist=pattern).values("weekday", "opens", "closes"))
    Shift.objects.bulk_create((Shift(therapist=one, **facts) for one in therapists for facts in hours), batch_size=5000)
    for clinic in range(CLINICS):
        mine = therapists[clinic * THERAPISTS_EACH : (clinic + 1) * THERAPISTS_EACH]
        service = make.a_service(slug=f"s-{clinic}", name=f"Visit {clinic}")
        service.therapists.set(mine)
    make.an_appointment(therapists[0], Service.objects.get(slug="s-0"), make.in_days(2, 10))
    return therapists


def waited(do: Callable[[int], object]) -> tuple[float, float]:
    """p50 and p99 in milliseconds over clinics chosen by chance, the first few unmeasured."""
    dice, taken = random.Random(3), []
    for number in range(SAMPLES + 5):
        clinic = dice.randrange(CLINICS)
        began = time.perf_counter()
        do(clinic)
        if number >= 5:
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken), sorted(taken)[int(len(taken) * 0.99)]


def measure() -> bool:
    therapists = many_clinics()
    anyone, desk = Client(), at_the_desk(one_as("F"))

    def page(client: Client, path: str) -> None:
        assert client.get(path).status_code == 200, path

    def takes(clinic: int) -> None:
        """A guest takes the first free time of the page: the lock, what is free, the row."""
        guest, path = Client(), f"/book/t-{clinic * THERAPISTS_EACH}/s-{clinic}/"
        start = START.search(guest.get(path).text)
        assert start, path
        assert guest.post(path, {"start": start[1]}).status_code == 302, path

    what: dict[str, Callable[[int], object]] = {
        "free times, one clinic": lambda clinic: page(anyone, f"/book/any/s-{clinic}/"),
        "a time is taken": takes,
        "desk: list of visits": lambda clinic: page(desk, "/admin/booking/appointment/"),
        "desk: day sheet": lambda clinic: page(desk, "/admin/calendar/day-sheet/"),
        "desk: one lane": lambda clinic: page(desk, f"/admin/calendar/?therapist=t-{clinic * 10}"),
    }
    done = 0
    for end in (0, VISITS // 100, VISITS // 10, VISITS):
        took = sum(
            add_past(first, min(first + VISITS // STEPS, end), therapists)
            for first in range(done, end, max(VISITS // STEPS, 1))
        )
        done = end
        print(f"\n{end:,} past visits, written in {took:.0f} s", flush=True)
        for name, do in what.items():
            p50, p99 = waited(do)
            print(f"  {name:<24} p50 {p50:>8.1f} ms   p99 {p99:>8.1f} ms", flush=True)
    with connection.cursor() as cursor:
        for title, statement in (("table", SIZES), ("index of appointments", INDEXES)):
            cursor.execute(statement)
            print(f"\n{title:<48} MB")
            for name, *sizes in cursor.fetchall():
                print(f"  {name:<44} {' '.join(f'{size:>8.0f}' for size in sizes)}")
        began = time.perf_counter()
        cursor.execute("VACUUM (ANALYZE) booking_appointment")
        print(f"\nVACUUM ANALYZE of appointments: {time.perf_counter() - began:.0f} s")
    return True


if __name__ == "__main__":
    sys.exit(run(measure))
