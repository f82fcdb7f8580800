"""How long the slowest of fifty guests waits who all want one slot, as a ratio to plain pages.

All in one run on one machine, so the ratios say something where the seconds do not:
(a) fifty guests read the cached article at once, (b) fifty guests open a page of free times at
once, (c) fifty guests ask for one and the same slot at once. The exit code is 1 when the losers wait
too long beside those who only look, or anybody at all for seconds, or gets another answer than is due.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from tests.bench.promises import said
from tests.guest import Guest, free_starts
from tests.running import running_site

GUESTS, ROUNDS = 50, 10
ALL_FINE, ONE_WINS = GUESTS * [200], [302] + (GUESTS - 1) * [409]
OF_FREE_TIMES, MOST_SECONDS = 3.0, 5.0
ARTICLE, SLOTS = "/articles/cupping-for-back-pain/", "/book/peter-stanley/consultation/"


def slowest(ask: Callable[[int], int], wanted: list[int]) -> tuple[float, bool]:
    """Seconds until the last of fifty answers to requests sent at once; whether their statuses are those wanted."""
    start_line = Barrier(GUESTS)

    def one(number: int) -> tuple[float, int]:
        start_line.wait()
        began = time.perf_counter()
        status = ask(number)
        return time.perf_counter() - began, status

    with ThreadPoolExecutor(GUESTS) as pool:
        answers = list(pool.map(one, range(GUESTS)))
    statuses = sorted(status for _, status in answers)
    if statuses != wanted:
        print(f"  not as wanted: {statuses}")
    return max(seconds for seconds, _ in answers), statuses == wanted


def one_round(url: str) -> dict[str, tuple[float, bool]]:
    guests = [Guest(url) for _ in range(GUESTS)]
    pages = [guest.get(SLOTS) for guest in guests]
    slot = free_starts(pages[0])[-1]
    return {
        "article": slowest(lambda n: guests[n].ask("GET", ARTICLE)[0].status, ALL_FINE),
        "free times": slowest(lambda n: guests[n].ask("GET", SLOTS)[0].status, ALL_FINE),
        "one slot": slowest(lambda n: guests[n].post(SLOTS, pages[n], start=slot)[0].status, ONE_WINS),
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, running_site("revival_bench", Path(folder)) as site:
        rounds = [one_round(site.url) for _ in range(ROUNDS)]
    middle = {name: statistics.median(one[name][0] for one in rounds) for name in rounds[0]}
    print(f"Slowest of {GUESTS} answers asked for at once; median and worst of {ROUNDS} rounds:")
    for name, seconds in middle.items():
        worst = max(one[name][0] for one in rounds)
        print(f"  {name:<11} {seconds:6.3f} s  worst {worst:6.3f} s  {seconds / middle['article']:6.1f} × the article")
    beside = middle["one slot"] / middle["free times"]
    print(f"  one slot against a page of free times: {beside:.2f} ×")
    promises = {
        f"one slot at most {OF_FREE_TIMES} × a page of free times": beside <= OF_FREE_TIMES,
        f"nobody waits {MOST_SECONDS:.0f} s": all(
            seconds < MOST_SECONDS for one in rounds for seconds, _ in one.values()
        ),
        "each time one has it, and the others are told": all(is_so for one in rounds for _, is_so in one.values()),
    }
    return 0 if said(promises) else 1


if __name__ == "__main__":
    sys.exit(main())
