"""What a web process and the worker weigh over 10,000 requests: readers, guests who book, a colleague at the desk.

First readers alone. Then after each thousand and more of their requests a few bookings, a calendar file and the desk's
heavier pages, so that whatever is loaded only when it is needed has been. In MB of own and shared memory (RSS); the
heaviest web process counts.
The exit code is 1 when one weighs too much, grows on, or answers with a fault.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil

from booking.desk.reports import plots
from tests.bench import curves
from tests.bench.booker import books
from tests.bench.load import demand_wrk, load
from tests.bench.pages import PAGES
from tests.bench.promises import said
from tests.guest import Guest
from tests.running import RunningSite, running_site

SLOTS = "/book/peter-stanley/consultation/"
READ = (*PAGES.values(), SLOTS, "/search/?q=cupping")
DESK = ("/admin/", "/admin/calendar/", "/admin/booking/appointment/", "/admin/hours/holidays/", "/admin/reports/")
REQUESTS, STEPS, BOOKINGS, LOOKS = 10_000, 10, 3, 6
MOST_MB, FLAT = 90, 1.05
NEVER_NEW = {"GUNICORN_CMD_ARGS": "--max-requests=0"}  # a new process would hide what the old one gathered
COLLEAGUE = "from django.contrib.auth.models import User; User.objects.create_superuser('desk', '', 'trial-desk')"
CONFIRMED = "UPDATE booking_appointment SET state = 'confirmed', confirmed_at = now() WHERE state = 'requested'"


def a_colleague(site: RunningSite) -> Guest:
    """Signed in at the desk."""
    site.manage("shell", "--verbosity=0", "--command", COLLEAGUE)
    colleague, door = Guest(site.url), "/admin/login/?next=/admin/"
    answer, _ = colleague.post(door, colleague.get(door), username="desk", password="trial-desk")
    assert answer.status == 302, answer.status
    return colleague


def reads(site: RunningSite) -> int:
    """A tenth of all requests, or more; how many were not answered well."""
    sent = faults = 0
    while sent < REQUESTS / STEPS:
        for path in READ:
            some = load(site.url + path, seconds=1)
            sent, faults = sent + int(some.rate), faults + some.faults
    return faults


def books_and_looks(site: RunningSite, colleague: Guest, numbers: Iterator[int]) -> int:
    """How many were not answered well."""
    visits = [books(site.url, SLOTS, next(numbers)) for _ in range(BOOKINGS)]
    with site.connect() as owner:
        owner.execute(CONFIRMED)
    guest = Guest(site.url)
    statuses = [guest.ask("GET", f"{visit}visit.ics")[0].status for visit in visits]
    statuses += [colleague.ask("GET", path)[0].status for path in DESK for _ in range(LOOKS)]  # each process has some
    return sum(status != 200 for status in statuses)


def weigh(site: RunningSite) -> tuple[float, float]:
    web = psutil.Process(site.web.pid).children()
    heaviest = max(process.memory_info().rss for process in web)
    return heaviest / 1e6, psutil.Process(site.worker.pid).memory_info().rss / 1e6


def measure(site: RunningSite) -> tuple[list[tuple[float, float]], list[tuple[float, float]], int]:
    """What the heaviest web process and the worker weigh, with readers alone and with all; and how many faults."""
    faults, alone, numbers = 0, [weigh(site)], count()
    for _ in range(STEPS):
        faults += reads(site)
        alone.append(weigh(site))
    colleague, weights = a_colleague(site), []
    for _ in range(STEPS):
        faults += reads(site) + books_and_looks(site, colleague, numbers)
        weights.append(weigh(site))
    return alone, weights, faults


def is_flat(weights: tuple[float, ...]) -> bool:
    late = weights[len(weights) // 2 :]
    return max(late) <= FLAT * min(late)


def main() -> int:
    demand_wrk()
    with tempfile.TemporaryDirectory() as folder, running_site("revival_memory", Path(folder), NEVER_NEW) as site:
        alone, everybody, faults = measure(site)
    readers, _ = zip(*alone, strict=True)
    web, worker = zip(*everybody, strict=True)
    print(f"MB after each {REQUESTS // STEPS:,} requests or more:")
    for name, weights in (("web, readers alone", readers), ("web, bookings and desk", web), ("worker", worker)):
        print(f"  {name:<24}", *(f"{one:.0f}" for one in weights))
    draw(readers[1:], web, worker)
    promises = {
        f"web process under {MOST_MB} MB with readers alone": max(readers) < MOST_MB,
        f"web process under {MOST_MB} MB with bookings and the desk": max(web) < MOST_MB,
        f"worker under {MOST_MB} MB": max(worker) < MOST_MB,
        "all flat in the second half (5 %)": is_flat(readers) and is_flat(web) and is_flat(worker),
        "no fault": not faults,
    }
    return 0 if said(promises) else 1


def draw(readers: tuple[float, ...], web: tuple[float, ...], worker: tuple[float, ...]) -> None:
    thousands = [f"{REQUESTS * step // STEPS // 1000}" for step in range(1, STEPS + 1)]
    names = ("MB of a web process, readers alone", "with bookings and the desk", "MB of the worker")
    grown = [plots.Data(name, weights) for name, weights in zip(names, (readers, web, worker), strict=True)]
    title = "Memory over thousands of requests"
    curves.keep("memory", plots.lines("memory", title, "Of the heaviest process", thousands, grown))


if __name__ == "__main__":
    sys.exit(main())
