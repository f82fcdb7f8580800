"""A thousand clinics in one database: 10,000 therapists, up to 10 million past visits. What breaks first, and when.

At each size: pages by one client in this process, whole bookings through gunicorn by one guest and by eight at once,
the indexes, and a vacuum after every tenth visit was changed, as the nightly job changes them. Each has a budget. The
first that is broken is named with its size, and whether to cut the table of visits into parts follows from what was
measured. `MANY_VISITS=1000000` ends there. The exit code is 1 when what patients wait for, or a vacuum, is over its
budget. The desk's budgets are told and not promised: a desk is made for one clinic, and here a thousand share it.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

from django.db import connection
from django.test import Client

from tests.bench.in_process import DATABASE, STATIC, run  # isort: skip - it sets Django up
from booking.models import Absence, Service, Shift, Therapist
from tests import factories as make
from tests.bench.booker import books
from tests.bench.past import add_past, settle
from tests.bench.promises import said
from tests.running import BIN, RunningSite, make_role
from tests.staff import FRONT_DESK, signed_in_as

CLINICS, THERAPISTS_EACH, VISITS = 1000, 10, int(os.environ.get("MANY_VISITS", "10_000_000"))
SIZES = sorted({0, *(size for size in (100_000, 1_000_000, 10_000_000) if size < VISITS), VISITS})
AT_A_TIME = 500_000
AWAY = (0, 17, 31)  # days off of each therapist, of the fifty to come
SECONDS, LEAST, MOST = 10, 30, 500
"""For how long each page is asked for, and how often at least and at most."""
BOOKINGS, ALIKE = 320, 1.5
PLAIN = "a page without visits"
"""What growth is held against: whatever else the machine does slows both."""
FREE, ONE, EIGHT, VACUUM = "free times, one client", "booking, 1 guest", "booking, 8 guests at once", "vacuum"
LIST, SHEET, LANE = "desk: list of visits", "desk: day sheet", "desk: one lane"
BUDGETS_MS = {PLAIN: 200, FREE: 200, ONE: 500, EIGHT: 2000, LIST: 1000, SHEET: 1000, LANE: 1000, VACUUM: 600_000}
"""What the slowest of a hundred may take; a booking is all four of its requests. A vacuum holds nobody up."""
PROMISED = (FREE, ONE, EIGHT, VACUUM)
INDEXES = """
SELECT indexrelname, pg_relation_size(indexrelid) / 1e6 FROM pg_stat_user_indexes
WHERE relname = 'booking_appointment' ORDER BY 2 DESC
"""
A_TENTH = """
UPDATE booking_appointment SET name = '', link_digest = encode(sha256(link_digest::bytea), 'hex'), anonymised_at = now()
WHERE id %% 10 = %s AND ends_at < now()
"""
DEAD = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'booking_appointment'"


@dataclass(frozen=True)
class Wait:
    """Milliseconds: half of them took less than `p50`, 99 of a hundred less than `p99`."""

    p50: float
    p99: float
    samples: int

    @classmethod
    def of(cls, taken: list[float]) -> Wait:
        return cls(statistics.median(taken), sorted(taken)[int(len(taken) * 0.99)], len(taken))


Found = dict[tuple[int, str], Wait]
"""By size and by what was waited for, in the order of measuring."""


def many_clinics() -> list[Therapist]:
    """Each clinic is a service with ten therapists, who work all week but for three days; one visit is to come."""
    rows = [
        Therapist(slug=f"t-{number}", name=f"Dr. Number {number}", short_name=f"Dr. {number}", order=number)
        for number in range(CLINICS * THERAPISTS_EACH)
    ]
    therapists = Therapist.objects.bulk_create(rows, batch_size=1000)
    pattern = make.a_therapist("pattern")
    make.working_all_week(pattern)
    hours = list(Shift.objects.filter(therapist=pattern).values("weekday", "opens", "closes"))
    Shift.objects.bulk_create((Shift(therapist=one, **facts) for one in therapists for facts in hours), batch_size=5000)
    days_off = (
        (one, make.in_days(3 + (number + later) % 50, 0)) for number, one in enumerate(therapists) for later in AWAY
    )
    Absence.objects.bulk_create(
        (Absence(therapist=one, starts_at=start, ends_at=start + timedelta(days=1)) for one, start in days_off),
        batch_size=5000,
    )
    for clinic in range(CLINICS):
        mine = therapists[clinic * THERAPISTS_EACH : (clinic + 1) * THERAPISTS_EACH]
        service = make.a_service(slug=f"s-{clinic}", name=f"Visit {clinic}")
        service.therapists.set(mine)
    make.an_appointment(therapists[0], Service.objects.get(slug="s-0"), make.in_days(2, 10))
    return therapists


@contextmanager
def web() -> Iterator[str]:
    """The address of gunicorn over the same database, as the web role."""
    with tempfile.TemporaryDirectory() as folder:
        site = RunningSite(DATABASE, Path(folder), {"STATIC_ROOT": STATIC.name, "PAGE_CACHE": "true"})
        make_role(site)
        site.manage("grant_web_role", site.web_role)
        site.web = site.launch("web", str(BIN / "gunicorn"), "-c", "deploy/gunicorn.conf.py", "revival.wsgi")
        site.wait_until_it_answers()
        try:
            yield site.url
        finally:
            site.stop()
            with connection.cursor() as cursor:
                cursor.execute(f"DROP OWNED BY {site.web_role}; DROP ROLE {site.web_role}")


# ---- waiting --------------------------------------------------------------------------------------


def taken_by(do: Callable[[int], object], number: int) -> float:
    began = time.perf_counter()
    do(number)
    return 1000 * (time.perf_counter() - began)


def one_client(do: Callable[[int], object]) -> Wait:
    """Over clinics chosen by chance, the first few unmeasured."""
    dice, taken, until = random.Random(3), [], time.monotonic() + SECONDS
    for _ in range(5):
        do(dice.randrange(CLINICS))
    while len(taken) < LEAST or (len(taken) < MOST and time.monotonic() < until):
        taken.append(taken_by(do, dice.randrange(CLINICS)))
    return Wait.of(taken)


def guests(url: str, numbers: Iterator[int], at_once: int) -> Wait:
    """So many guests at once, each booking one visit after another, with a therapist whom nobody else asks."""
    order = [next(numbers) for _ in range(BOOKINGS)]
    with ThreadPoolExecutor(at_once) as pool:
        return Wait.of(list(pool.map(lambda number: taken_by(lambda n: book_one(url, n), number), order)))


def book_one(url: str, number: int) -> None:
    therapist = number * 7 % (CLINICS * THERAPISTS_EACH)  # in another clinic each time
    books(url, f"/book/t-{therapist}/s-{therapist // THERAPISTS_EACH}/", number)


def page(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200, path


def waits(url: str, desk: Client, numbers: Iterator[int]) -> Iterator[tuple[str, Wait]]:
    anyone = Client()
    yield PLAIN, one_client(lambda clinic: page(anyone, "/privacy/"))
    yield FREE, one_client(lambda clinic: page(anyone, f"/book/any/s-{clinic}/"))
    yield ONE, guests(url, numbers, 1)
    yield EIGHT, guests(url, numbers, 8)
    yield LIST, one_client(lambda clinic: page(desk, "/admin/booking/appointment/"))
    yield SHEET, one_client(lambda clinic: page(desk, "/admin/calendar/day-sheet/"))
    yield LANE, one_client(lambda clinic: page(desk, f"/admin/calendar/?therapist=t-{clinic * THERAPISTS_EACH}"))


# ---- the table ------------------------------------------------------------------------------------


def grow(first: int, end: int, therapists: list[Therapist]) -> float:
    """Written by two at a time; the seconds it took."""
    keys, began = [one.pk for one in therapists], time.perf_counter()

    def write(begin: int) -> None:
        try:
            with connection.cursor() as cursor:
                last = min(begin + AT_A_TIME, end)
                add_past(cursor, begin, last, keys, make.in_days(0, 0), is_settled=False)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(first, end, AT_A_TIME)))
    with connection.cursor() as cursor:
        settle(cursor)
    return time.perf_counter() - began


def print_sizes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_table_size('booking_appointment') / 1e6, pg_database_size(current_database()) / 1e6")
        print("  table {:.0f} MB, database {:.0f} MB, indexes in MB:".format(*cursor.fetchone()))
        cursor.execute(INDEXES)
        for name, size in cursor.fetchall():
            print(f"    {name:<52} {size:>8.1f}", flush=True)


def vacuum(which: int) -> Wait:
    """Change every tenth visit as the nightly job does, then clean up after it."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        changing = taken_by(lambda tenth: cursor.execute(A_TENTH, [tenth]), which) / 1000
        changed = cursor.rowcount
        cursor.execute("RESET session_replication_role")
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(DEAD)
        dead = cursor.fetchone()[0]
        took = taken_by(lambda _: cursor.execute("VACUUM (ANALYZE) booking_appointment"), 0)
    print(
        f"  {changed:,} visits changed in {changing:.1f} s; {dead:,} dead rows vacuumed in {took / 1000:.1f} s",
        flush=True,
    )
    return Wait(took, took, 1)


# ---- what follows ---------------------------------------------------------------------------------


def breaks_first(found: Found, names: Iterable[str]) -> str:
    for (size, name), wait in found.items():
        if name in names and wait.p99 > BUDGETS_MS[name]:
            return f"{name} at {size:,} past visits, {wait.p99 / 1000:.1f} s of {BUDGETS_MS[name] / 1000:g} s"
    return f"nothing, up to {VISITS:,} past visits"


def growth(found: Found, name: str) -> float:
    """How much longer half of them wait with the most visits than with none, beside the page without visits."""
    return (found[VISITS, name].p50 / found[VISITS, PLAIN].p50) / (found[0, name].p50 / found[0, PLAIN].p50)


def conclude(found: Found) -> bool:
    print(f"\nBreaks first: {breaks_first(found, BUDGETS_MS)}")
    print(f"Of what is promised: {breaks_first(found, PROMISED)}")
    grown = {name: growth(found, name) for name in (FREE, ONE, EIGHT)}
    print(f"{VISITS:,} in place of none:", ", ".join(f"{name} {times:.2f} ×" for name, times in grown.items()))
    is_alike, is_clean = max(grown.values()) <= ALIKE, found[VISITS, VACUUM].p99 <= BUDGETS_MS[VACUUM]
    # By time it cannot be cut: PostgreSQL then refuses the constraint that keeps visits apart.
    decided = "no, nothing here would be quicker" if is_alike and is_clean else "yes, by therapist"
    print(f"Cut the table of visits into parts? {decided}")
    return said(promises_of(found) | {f"patients wait no longer for past visits ({ALIKE} ×)": is_alike})


def promises_of(found: Found) -> dict[str, bool]:
    return {
        f"{promised}: p99 within {BUDGETS_MS[promised] / 1000:g} s": all(
            wait.p99 <= BUDGETS_MS[promised] for (_, name), wait in found.items() if name == promised
        )
        for promised in PROMISED
    }


def measure() -> bool:
    therapists, desk, numbers = many_clinics(), signed_in_as(FRONT_DESK), count()
    found: Found = {}
    done = 0
    with web() as url:
        for place, size in enumerate(SIZES):
            print(f"\n{size:,} past visits, written in {grow(done, size, therapists):.0f} s", flush=True)
            done = size
            for name, wait in waits(url, desk, numbers):
                found[size, name] = wait
                print(f"  {name:<26} p50 {wait.p50:>8.1f} ms   p99 {wait.p99:>8.1f} ms   of {wait.samples}", flush=True)
            print_sizes()
            if size:
                found[size, VACUUM] = vacuum(place)
    return conclude(found)


if __name__ == "__main__":
    sys.exit(run(measure))
