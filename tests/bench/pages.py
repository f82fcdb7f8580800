"""Public pages against their floor: requests a second as ratios within one run.

One gunicorn configuration serves (a) a bare WSGI function, (b) a Django view that returns a constant page of the
same size through the same middleware, and the site. They take turns, several rounds, and each ratio
is the median over the rounds. Then 10,000 more requests, and what a web process weighs meanwhile.
The exit code is 1 when a promise is broken.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import psutil

from booking import plots
from tests.bench import curves
from tests.bench.load import Load, demand_wrk, load
from tests.running import BIN, RunningSite, free_port, running_site

PAGES = {
    "article": "/articles/cupping-for-back-pain/",
    "list": "/articles/",
    "FAQ": "/faq/",
    "home": "/",
    "therapist": "/therapists/peter-stanley/",
}
ROUNDS, BROTLI = 12, "Accept-Encoding: br"
OF_BARE, OF_DJANGO, P99_MS, MOST_MB = 0.5, 1.0, 10, 90
REQUESTS, STEPS = 10_000, 10
NEVER_NEW = {"GUNICORN_CMD_ARGS": "--max-requests=0"}  # a new process would hide what the old one gathered


@contextmanager
def floor(site: RunningSite, application: str, size: int) -> Iterator[str]:
    """The address of one of the floor's applications, served as the site is."""
    port = free_port()
    site.environment |= {"FLOOR_BYTES": str(size), "PORT": str(port)}
    process = site.launch(
        "floor", str(BIN / "gunicorn"), "-c", "deploy/gunicorn.conf.py", f"tests.bench.floor:{application}"
    )
    url = f"http://127.0.0.1:{port}"
    site.wait_until_it_answers(url + "/constant/")
    yield url + "/constant/"
    process.terminate()
    process.wait()


def answer_of(url: str, **headers: str) -> tuple[int, dict[str, str]]:
    with urlopen(Request(url, headers={"Accept-Encoding": "br"} | headers)) as answer:
        return len(answer.read()), dict(answer.headers)


def measure(site: RunningSite) -> dict[str, list[Load]]:
    size, headers = answer_of(site.url + PAGES["article"])
    known = f"If-None-Match: {headers['ETag']}"
    found: dict[str, list[Load]] = {}
    with floor(site, "bare", size) as bare, floor(site, "django_view", size) as constant:
        rivals = {"bare WSGI": (bare,), "Django view": (constant,)}
        rivals |= {name: (site.url + path, BROTLI) for name, path in PAGES.items()}
        rivals["article, 304"] = (site.url + PAGES["article"], BROTLI, known)
        for url, *more in rivals.values():
            load(url, *more)  # warm
        for _ in range(ROUNDS):
            for name, (url, *more) in rivals.items():
                found.setdefault(name, []).append(load(url, *more))
    return found


def ratio(found: dict[str, list[Load]], name: str, to: str) -> float:
    return statistics.median(one.rate / other.rate for one, other in zip(found[name], found[to], strict=True))


def quiet_p99(loads: list[Load]) -> float:
    """Milliseconds, of the quieter rounds (lower quartile): whatever else a machine does only adds to it."""
    return statistics.quantiles((one.p99 for one in loads), n=4)[0]


def weight(site: RunningSite) -> list[float]:
    """What the heaviest web process weighs, in MB of its own and shared memory (RSS), after each thousand requests."""
    master = psutil.Process(site.web.pid)
    weights = []
    for _ in range(STEPS + 1):
        weights.append(max(process.memory_info().rss for process in master.children()) / 1e6)
        sent = 0
        while sent < REQUESTS / STEPS:
            for path in (*PAGES.values(), "/book/peter-stanley/consultation/", "/search/?q=cupping"):
                sent += int(load(site.url + path, seconds=1).rate)
    return weights


def main() -> int:
    demand_wrk()
    with tempfile.TemporaryDirectory() as folder, running_site("revival_pages", Path(folder), NEVER_NEW) as site:
        found = measure(site)
        weights = weight(site)
        cookies = {name: answer_of(site.url + path)[1].get("Set-Cookie") for name, path in PAGES.items()}
    print(
        f"{'':<14} {'a second':>9} {'p50 ms':>7} {'p99 ms':>7} {'quiet':>7}"
        f" {'of bare':>8} {'of Django':>10} {'faults':>7}"
    )
    for name, loads in found.items():
        rate, p50, p99 = (statistics.median(getattr(one, field) for one in loads) for field in ("rate", "p50", "p99"))
        of_bare, of_django = ratio(found, name, "bare WSGI"), ratio(found, name, "Django view")
        faults = sum(one.faults for one in loads)
        print(
            f"{name:<14} {rate:>9.0f} {p50:>7.2f} {p99:>7.2f} {quiet_p99(loads):>7.2f}"
            f" {of_bare:>8.2f} {of_django:>10.2f} {faults:>7}"
        )
    print(f"web process after each {REQUESTS // STEPS:,} requests or more, MB:", *(f"{one:.0f}" for one in weights))
    draw(found, weights)
    promises = promises_of(found, weights, cookies)
    for promise, is_kept in promises.items():
        print(f"  {promise:<44} {'yes' if is_kept else 'NO'}")
    return 0 if all(promises.values()) else 1


def draw(found: dict[str, list[Load]], weights: list[float]) -> None:
    rows = [(f"{name}, of a bare WSGI function", round(ratio(found, name, "bare WSGI"), 2)) for name in found]
    curves.keep("pages", plots.bars("pages", "Requests a second, bare WSGI being 1", "8 connections", rows))
    thousands = [f"{REQUESTS * step // STEPS // 1000}" for step in range(STEPS + 1)]
    grown = plots.Series("MB of the heaviest web process", weights)
    title = "Memory over thousands of requests"
    curves.keep("memory", plots.lines("memory", title, f"From {weights[0]:.0f} MB on", thousands, [grown]))


def promises_of(found: dict[str, list[Load]], weights: list[float], cookies: dict[str, str | None]) -> dict[str, bool]:
    late = weights[len(weights) // 2 :]
    return {
        f"each page at least {OF_BARE} of bare WSGI": all(ratio(found, name, "bare WSGI") >= OF_BARE for name in PAGES),
        f"each page at least {OF_DJANGO} of a Django view": all(
            ratio(found, name, "Django view") >= OF_DJANGO for name in PAGES
        ),
        f"p99 under {P99_MS} ms": all(quiet_p99(found[name]) < P99_MS for name in PAGES),
        "304 quicker than the page": ratio(found, "article, 304", "article") > 1,
        "no fault": not sum(one.faults for loads in found.values() for one in loads),
        "no cookie": not any(cookies.values()),
        f"web process under {MOST_MB} MB": max(weights) < MOST_MB,
        "and flat in the second half (5 %)": max(late) <= 1.05 * min(late),
    }


if __name__ == "__main__":
    sys.exit(main())
