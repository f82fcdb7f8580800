"""Crawl of the public site from its home page: no link is broken, and each fragment exists."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urljoin, urlsplit
from urllib.request import urlopen

from tests.waiting import PATIENCE

Answer = tuple[int, str, str]
"""Status, kind of content, text."""
LINK_ATTRIBUTES = ("href", "src", "data-next-times")
LEAST = 40
"""Least number of pages and files for the crawl to mean anything."""


class Links(HTMLParser):
    """The ids and links of a page or a drawing."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids |= {values["id"]} if values.get("id") else set()
        if values.get("rel") != "canonical":  # has the clinic's public host name
            self.targets += [values[name] for name in LINK_ATTRIBUTES if values.get(name)]
        self.targets += [source.split()[0] for source in (values.get("srcset") or "").split(",") if source.strip()]


def crawl(fetch: Callable[[str], Answer], start: str) -> tuple[list[str], int]:
    """Broken links, each with the page it is on, and the number of addresses fetched.

    Addresses that differ only in the values of their query, such as the day, count as one.
    """
    answers: dict[tuple[str, ...], tuple[int, set[str]]] = {}
    broken, waiting = [], [(start, start)]
    while waiting:
        page, link = waiting.pop()
        parts = urlsplit(urljoin(page, link))
        if parts.scheme not in ("http", "https") or parts.netloc != urlsplit(start).netloc:
            continue
        key = (parts.path, *sorted(parse_qs(parts.query)))
        if key not in answers:
            address = parts._replace(fragment="").geturl()
            status, kind, text = fetch(address)
            links = Links(text if "html" in kind or "svg" in kind else "")
            answers[key] = status, links.ids
            waiting += [(address, target) for target in links.targets]
        status, ids = answers[key]
        if status != 200:
            broken.append(f"{page} -> {link}: {status}")
        elif parts.fragment and unquote(parts.fragment) not in ids:
            broken.append(f"{page} -> {link}: no such id")
    return broken, len(answers)


def over_http(address: str) -> Answer:
    try:
        with urlopen(address, timeout=PATIENCE) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode(errors="replace")
    except HTTPError as error:
        return error.code, "", ""


def test_no_link_is_broken(site):
    broken, fetched = crawl(over_http, f"{site.url}/")

    assert broken == []
    assert fetched >= LEAST


def test_control_broken_links_and_fragments_are_seen():
    pages = {
        "http://x/": '<a href="/a/">a</a><a href="/gone/">b</a><img src="/no.png" alt=""><a href="https://y/">c</a>',
        "http://x/a/": '<p id="here"></p><a href="#here">1</a><a href="#there">2</a><use href="/d.svg#cup"/>',
        "http://x/d.svg": '<svg><symbol id="cups"/></svg>',
    }

    broken, fetched = crawl(lambda url: (200, "text/html", pages[url]) if url in pages else (404, "", ""), "http://x/")

    assert {line.split(" -> ")[1].rpartition(":")[0] for line in broken} == {
        "/gone/",
        "/no.png",
        "#there",
        "/d.svg#cup",
    }
    assert fetched == 5
