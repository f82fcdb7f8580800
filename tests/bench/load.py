"""Load by wrk (a Debian package), which costs little enough to share two cores with what it measures."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

CONNECTIONS, SECONDS = 8, 1  # short and often: a busy moment of the machine then meets all rivals
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """Requests a second, 50th and 99th percentile of waiting in milliseconds, answers that were no 2xx or 3xx."""

    rate: float
    p50: float
    p99: float
    faults: int


def demand_wrk() -> None:
    if not shutil.which("wrk"):
        sys.exit("This measurement needs wrk (Debian, Ubuntu: apt-get install wrk).")


def load(url: str, *headers: str, connections: int = CONNECTIONS, seconds: int = SECONDS) -> Load:
    options = [part for header in headers for part in ("--header", header)]
    command = ["wrk", "--latency", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    said = subprocess.run([*command, *options, url], check=True, capture_output=True, text=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return Load(
        rate=float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
        p50=_milliseconds(said, "50"),
        p99=_milliseconds(said, "99"),
        faults=int(refused[1] if refused else 0) + (sum(map(int, broken.groups())) if broken else 0),
    )


def _milliseconds(said: str, percentile: str) -> float:
    number, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s|m)\b", said).groups()
    return float(number) * UNITS[unit]
