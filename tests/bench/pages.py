"""Public pages against their floor: requests a second as ratios within one run.

One gunicorn configuration serves (a) a bare WSGI function, (b) a Django view that returns a constant page through the
same middleware, both as large as the page they are held against, and the site. They take turns, several rounds, and
each ratio is the median over the rounds. The control is the site without its kept pages, which has to fall below (b).
The exit code is 1 when a promise is broken.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from booking.desk.reports import plots
from tests.bench import curves
from tests.bench.load import Load, demand_wrk, load
from tests.bench.promises import said
from tests.running import BIN, RunningSite, free_port, running_site

PAGES = {
    "article": "/articles/cupping-for-back-pain/",
    "list": "/articles/",
    "FAQ": "/faq/",
    "home": "/",
    "therapist": "/therapists/peter-stanley/",
}
BARE, DJANGO, SITE, KNOWN, UNKEPT = "bare WSGI", "Django view", "site", "304", "control: nothing kept"
ROUNDS, BROTLI = 10, "Accept-Encoding: br"
OF_BARE, OF_DJANGO, P99_MS = 0.5, 1.0, 10

Found = dict[tuple[str, str], list[Load]]
"""By who answers and for which page: one for each round."""


@contextmanager
def beside(site: RunningSite, name: str, application: str, **environment: str) -> Iterator[str]:
    """The address of another gunicorn over the site's database, served as the site is."""
    port, own = free_port(), site.environment
    site.environment = {**own, "PORT": str(port), **environment}
    process = site.launch(name, str(BIN / "gunicorn"), "-c", "deploy/gunicorn.conf.py", application)
    site.environment = own
    url = f"http://127.0.0.1:{port}"
    site.wait_until_it_answers(url + ("/constant/1/" if "floor" in application else "/healthz"))
    yield url
    process.terminate()
    process.wait()


def answer_of(url: str, **headers: str) -> tuple[int, dict[str, str]]:
    with urlopen(Request(url, headers={"Accept-Encoding": "br"} | headers)) as answer:
        return len(answer.read()), dict(answer.headers)


def rivals_of(site: RunningSite, bare: str, constant: str, unkept: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """What to ask, with which headers; a page and its two floors after one another."""
    rivals: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, path in PAGES.items():
        size, headers = answer_of(site.url + path)
        rivals[BARE, name] = (f"{bare}/constant/{size}/",)
        rivals[DJANGO, name] = (f"{constant}/constant/{size}/",)
        rivals[SITE, name] = (site.url + path, BROTLI)
        if name == "article":
            rivals[KNOWN, name] = (site.url + path, BROTLI, f"If-None-Match: {headers['ETag']}")
            rivals[UNKEPT, name] = (unkept + path, BROTLI)
    return rivals


def measure(site: RunningSite) -> Found:
    found: Found = {}
    with ExitStack() as stack:
        bare = stack.enter_context(beside(site, "bare", "tests.bench.floor:bare"))
        constant = stack.enter_context(beside(site, "constant", "tests.bench.floor:django_view"))
        unkept = stack.enter_context(beside(site, "unkept", "revival.wsgi", PAGE_CACHE="false"))
        rivals = rivals_of(site, bare, constant, unkept)
        for url, *more in rivals.values():
            load(url, *more)  # warm
        for _ in range(ROUNDS):
            for who, (url, *more) in rivals.items():
                found.setdefault(who, []).append(load(url, *more))
    return found


def ratio(found: Found, name: str, to: str, who: str = SITE) -> float:
    return statistics.median(
        one.rate / other.rate for one, other in zip(found[who, name], found[to, name], strict=True)
    )


def median_p99(loads: list[Load]) -> float:
    return statistics.median(one.p99 for one in loads)


def quiet_p99(loads: list[Load]) -> float:
    """Milliseconds, of the quieter rounds (lower quartile): whatever else a machine does only adds to it."""
    return statistics.quantiles((one.p99 for one in loads), n=4)[0]


def main() -> int:
    demand_wrk()
    with tempfile.TemporaryDirectory() as folder, running_site("revival_pages", Path(folder)) as site:
        found = measure(site)
        cookies = {name: answer_of(site.url + path)[1].get("Set-Cookie") for name, path in PAGES.items()}
    heads = ("a second", "p50 ms", "p99 ms", "quiet", "of bare", "of Django", "faults")
    print(" " * 33 + "".join(f"{head:>10}" for head in heads))
    for (who, name), loads in found.items():
        rate, p50 = (statistics.median(getattr(one, field) for one in loads) for field in ("rate", "p50"))
        of_bare, of_django = ratio(found, name, BARE, who), ratio(found, name, DJANGO, who)
        print(
            f"{name:<10} {who:<22}{rate:>10.0f}{p50:>10.2f}{median_p99(loads):>10.2f}{quiet_p99(loads):>10.2f}"
            f"{of_bare:>10.2f}{of_django:>10.2f}{sum(one.faults for one in loads):>10}"
        )
    draw(found)
    return 0 if said(promises_of(found, cookies)) else 1


def draw(found: Found) -> None:
    rows = [(f"{name}, of a bare WSGI function", round(ratio(found, name, BARE), 2)) for name in PAGES]
    rows += [("a Django view, of a bare WSGI function", round(ratio(found, "article", BARE, DJANGO), 2))]
    rows += [("article, 304, of a bare WSGI function", round(ratio(found, "article", BARE, KNOWN), 2))]
    curves.keep("pages", plots.bars("pages", "Requests a second, bare WSGI being 1", "8 connections", rows))


def promises_of(found: Found, cookies: dict[str, str | None]) -> dict[str, bool]:
    pages = [found[SITE, name] for name in PAGES]
    return {
        f"each page at least {OF_BARE} of bare WSGI": all(ratio(found, name, BARE) >= OF_BARE for name in PAGES),
        f"each page at least {OF_DJANGO} of a Django view": all(
            ratio(found, name, DJANGO) >= OF_DJANGO for name in PAGES
        ),
        f"p99 under {P99_MS} ms, quieter rounds": all(quiet_p99(loads) < P99_MS for loads in pages),
        f"p99 under {P99_MS} ms, the round in the middle": all(median_p99(loads) < P99_MS for loads in pages),
        "p99 no longer than the Django view's": all(
            median_p99(found[SITE, name]) <= median_p99(found[DJANGO, name]) for name in PAGES
        ),
        "304 quicker than the page": ratio(found, "article", SITE, KNOWN) > 1,
        "no fault": not sum(one.faults for loads in found.values() for one in loads),
        "no cookie": not any(cookies.values()),
        "control: without kept pages, below the Django view": ratio(found, "article", DJANGO, UNKEPT) < OF_DJANGO,
    }


if __name__ == "__main__":
    sys.exit(main())
