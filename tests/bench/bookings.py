"""Bookings a second by 1, 8 and 32 guests at once, each on times of their own, against pgbench on the same server.

A booking is all of it, through nginx: the page of free times, a time taken, the details, each with its own commit to
disk; every guest has an address of their own, and the limits are the real ones. pgbench inserts a row of as many bytes
into a table with one index: as quick as this server promises anything. Last, eight guests once more with a million past
visits. The exit code is 1 when more guests or the past make it slower, when it takes too many of pgbench's rows, when a
time was given away twice, or when something promised is not there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from booking.desk.reports import plots
from deploy.local.postgres import PROGRAMS
from tests.bench import curves
from tests.bench.past import add_past
from tests.bench.promises import said
from tests.drills import ledger
from tests.drills.guests import Load, Promise
from tests.drills.stage import Stage, a_stage

GUESTS, WARM_UP, SECONDS, NO_SLOWER = (1, 8, 32), 3, 12, 0.8
DEALT, PAST, AGAIN = 5000, 1_000_000, 8
MOST_INSERTS = 500
"""Of pgbench's rows to one booking, one client each: three commits, about forty statements and four pages. Told
for more clients, too; there pgbench's share one write to the disk, and bookings share
the processors with their own guests."""
TABLE = "CREATE TABLE bench_rows (id bigserial PRIMARY KEY, at timestamptz NOT NULL, text text NOT NULL)"
INSERT = "INSERT INTO bench_rows (at, text) VALUES (now(), repeat('x', 600));\n"


def bookings(stage: Stage, guests: int, first: int, promises: list[Promise]) -> float:
    """Bookings a second, on times from number `first` on."""
    load = Load(stage.url, stage.slots[first : first + DEALT], booking=guests, reading=0)
    time.sleep(WARM_UP)
    before, began = load.promised.value, time.monotonic()
    time.sleep(SECONDS)
    rate = (load.promised.value - before) / (time.monotonic() - began)
    promises += (found := load.end().promises)
    assert len(found) < 0.9 * DEALT / 2, "times ran dry: deal more, each half to one process of guests"
    return rate


def inserts(stage: Stage, clients: int) -> float:
    """pgbench's transactions a second."""
    sockets = stage.server.url("revival").partition("host=")[2].replace("%2F", "/")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(INSERT)
        command = [
            *(str(PROGRAMS / "pgbench"), "--no-vacuum", "--host", sockets, "--username", "postgres"),
            *("--client", str(clients), "--time", "5", "--file", str(script), "revival"),
        ]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"tps = ([\d.]+)", said)[1])


def years_pass(stage: Stage) -> None:
    """A million past visits, for therapists who are asked for."""
    therapists = [key for (key,) in stage.ask("SELECT id FROM booking_therapist WHERE slug LIKE 'drill-%'")]
    with stage.connect() as owner:
        add_past(owner.cursor(), 0, PAST, therapists, datetime.now(UTC) - timedelta(days=1))


def take_back_the_years(stage: Stage) -> None:
    """The ledger compares each visit with each, which a million of the past are too many for."""
    with stage.connect() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM booking_appointment WHERE ends_at < now()")


def measure(stage: Stage, promises: list[Promise]) -> tuple[dict[int, tuple[float, float]], float]:
    """By guests: bookings a second and pgbench's inserts a second; then bookings a second after years."""
    rates = {}
    for place, guests in enumerate(GUESTS):
        rates[guests] = bookings(stage, guests, place * DEALT, promises), inserts(stage, guests)
    years_pass(stage)
    after_years = bookings(stage, AGAIN, len(GUESTS) * DEALT, promises)
    take_back_the_years(stage)
    return rates, after_years


def main() -> int:
    promises: list[Promise] = []
    with a_stage(Stage) as stage:
        stage.ask(TABLE)
        rates, after_years = measure(stage, promises)
        took = ledger.wait_for_the_mail(stage)
        found = ledger.account(stage, promises)
    print(f"{'guests':>7} {'bookings/s':>11} {'inserts/s':>10} {'inserts to one booking':>23}")
    for guests, (rate, floor) in rates.items():
        print(f"{guests:>7} {rate:>11.1f} {floor:>10.0f} {floor / rate if rate else float('inf'):>23.0f}")
    print(f"{AGAIN:>7} {after_years:>11.1f} with {PAST:,} past visits")
    print(f"{len(promises)} bookings: {found} (messages out after {took:.0f} s)")
    draw({guests: rate for guests, (rate, _) in rates.items()})
    return 0 if said(promises_of(rates, after_years, found)) else 1


def draw(rates: dict[int, float]) -> None:
    series = [plots.Data("bookings a second", list(rates.values()))]
    title = "Bookings a second, by guests at once"
    labels = [str(guests) for guests in rates]
    curves.keep("bookings", plots.lines("bookings", title, "Distinct times, through nginx", labels, series))


def promises_of(rates: dict[int, tuple[float, float]], after_years: float, found: ledger.Account) -> dict[str, bool]:
    kept = {
        f"no slower with {more} guests than with {few}": rates[more][0] >= NO_SLOWER * rates[few][0]
        for few, more in pairwise(GUESTS)
    }
    return kept | {
        f"no slower with {PAST:,} past visits": after_years >= NO_SLOWER * rates[AGAIN][0],
        f"one guest: at most {MOST_INSERTS} inserts to one booking": rates[1][1] <= MOST_INSERTS * rates[1][0],
        "nothing lost, no time given away twice": not (found.lost or found.overlapping or found.messages_lost),
    }


if __name__ == "__main__":
    sys.exit(main())
