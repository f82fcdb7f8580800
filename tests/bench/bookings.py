"""Bookings a second by 1, 8 and 32 guests at once, each on times of their own, against pgbench on the same server.

A booking is all of it, through nginx: the page of free times, a time taken, the details, each with its own commit to
disk; every guest has an address of their own, and the limits are the real ones. pgbench inserts a row of as many bytes
into a table with one index: as quick as this server promises anything. The exit code is 1 when more guests make it
slower, when a time was given away twice, or when something promised is not there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from booking import plots
from revival.embedded_postgres import PROGRAMS
from tests.bench import curves
from tests.drills import ledger
from tests.drills.guests import Load, Promise
from tests.drills.stage import Stage, a_stage

GUESTS, WARM_UP, SECONDS, NO_SLOWER = (1, 8, 32), 3, 12, 0.8
TABLE = "CREATE TABLE bench_rows (id bigserial PRIMARY KEY, at timestamptz NOT NULL, text text NOT NULL)"
INSERT = "INSERT INTO bench_rows (at, text) VALUES (now(), repeat('x', 600));\n"


def bookings(stage: Stage, guests: int, first: int, promises: list[Promise]) -> tuple[float, int]:
    """Bookings a second, and the first slot that was not dealt."""
    many = 2000
    load = Load(stage.url, stage.slots[first : first + many], booking=guests, reading=0)
    time.sleep(WARM_UP)
    before, began = load.promised.value, time.monotonic()
    time.sleep(SECONDS)
    rate = (load.promised.value - before) / (time.monotonic() - began)
    promises += load.end().promises
    return rate, first + many


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


def main() -> int:
    promises: list[Promise] = []
    rates: dict[int, tuple[float, float]] = {}
    with a_stage(Stage) as stage:
        with stage.connect() as owner:
            owner.execute(TABLE)
        first = 0
        for guests in GUESTS:
            rate, first = bookings(stage, guests, first, promises)
            rates[guests] = rate, inserts(stage, guests)
        took = ledger.wait_for_the_mail(stage)
        found = ledger.account(stage, promises)
    print(f"{'guests':>7} {'bookings/s':>11} {'inserts/s':>10} {'inserts to one booking':>23}")
    for guests, (rate, floor) in rates.items():
        print(f"{guests:>7} {rate:>11.1f} {floor:>10.0f} {floor / rate if rate else float('inf'):>23.0f}")
    print(f"{len(promises)} bookings: {found} (messages out after {took:.0f} s)")
    guests = [str(number) for number in rates]
    series = [plots.Series("bookings a second", [rate for rate, _ in rates.values()])]
    title = "Bookings a second, by guests at once"
    curves.keep("bookings", plots.lines("bookings", title, "Distinct times, through nginx", guests, series))
    few, more = rates[GUESTS[-2]][0], rates[GUESTS[-1]][0]
    is_kept = more >= NO_SLOWER * few and not (found.lost or found.overlapping or found.messages_lost)
    print(f"  no slower with {GUESTS[-1]} than with {GUESTS[-2]}, nothing lost: {'yes' if is_kept else 'NO'}")
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
