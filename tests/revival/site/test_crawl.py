"""Every link of the public site, followed from home by a crawler: none is broken, and each fragment is there."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urljoin, urlsplit
from urllib.request import urlopen

Answer = tuple[int, str, str]
"""Status, kind of content, text."""
PLACES = ("href", "src", "data-next-times")
LEAST = 40
"""Pages and files that it meets at the least: else it did not get far, and says nothing."""


class Links(HTMLParser):
    """The ids of a page or a drawing, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.ids |= {facts["id"]} if facts.get("id") else set()
        if facts.get("rel") != "canonical":  # names the address that the clinic is reached by
            self.found += [facts[place] for place in PLACES if facts.get(place)]
        self.found += [one.split()[0] for one in (facts.get("srcset") or "").split(",") if one.strip()]


def crawl(fetch: Callable[[str], Answer], start: str) -> tuple[list[str], int]:
    """What is broken, each with the page it stands on; and how many addresses were asked.

    Addresses that differ only in what is asked, such as the day, count as one. `fetch` gives what an address answers.
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
            waiting += [(address, one) for one in links.found]
        status, ids = answers[key]
        if status != 200:
            broken.append(f"{page} -> {link}: {status}")
        elif parts.fragment and unquote(parts.fragment) not in ids:
            broken.append(f"{page} -> {link}: nothing is called so there")
    return broken, len(answers)


def over_http(address: str) -> Answer:
    try:
        with urlopen(address, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode(errors="replace")
    except HTTPError as error:
        return error.code, "", ""


def test_no_link_is_broken(site):
    broken, asked = crawl(over_http, f"{site.url}/")

    assert broken == []
    assert asked >= LEAST


def test_control_broken_links_and_fragments_are_seen():
    pages = {
        "http://x/": '<a href="/a/">a</a><a href="/gone/">b</a><img src="/no.png" alt=""><a href="https://y/">c</a>',
        "http://x/a/": '<p id="here"></p><a href="#here">1</a><a href="#there">2</a><use href="/d.svg#cup"/>',
        "http://x/d.svg": '<svg><symbol id="cups"/></svg>',
    }

    broken, asked = crawl(lambda url: (200, "text/html", pages[url]) if url in pages else (404, "", ""), "http://x/")

    assert {one.split(" -> ")[1].rpartition(":")[0] for one in broken} == {"/gone/", "/no.png", "#there", "/d.svg#cup"}
    assert asked == 5
