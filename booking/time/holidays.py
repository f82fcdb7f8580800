"""Public holidays from the `holidays` package: proposed to staff, who decide whether the clinic closes.

The package and its results take 17 MB, which each web process would keep for a page that is opened a few times a
year. So a process of its own asks it, and we cache the few lines of its answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = 3  # as an exit code: the package does not know the place
SECONDS = 20


def public_days(place: str, years: Iterable[int]) -> list[tuple[date, str]]:
    """The public holidays of these years, in order, each with its English name where there is one.

    `place` is an ISO 3166 code, of a country (`US`) or of one of its parts (`US-MN`); empty proposes none.
    Raises LookupError for a place the package does not know.
    """
    return list(_from_process(place, tuple(years))) if place else []


@cache
def _from_process(place: str, years: tuple[int, ...]) -> tuple[tuple[date, str], ...]:
    command = [sys.executable, "-m", "booking.time.holidays", place, *map(str, years)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)  # noqa: S603 - no shell
    if done.returncode == UNKNOWN:
        raise LookupError(place)
    done.check_returncode()
    return tuple((date.fromisoformat(day), name) for day, name in json.loads(done.stdout))


def _answer(place: str, *years: str) -> int:
    from holidays import country_holidays

    country, _, part = place.partition("-")
    try:
        holidays = country_holidays(country, subdiv=part or None, years=[int(year) for year in years])
    except (NotImplementedError, ValueError, AttributeError):
        return UNKNOWN
    json.dump([(day.isoformat(), name) for day, name in sorted(holidays.items())], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(_answer(*sys.argv[1:]))
