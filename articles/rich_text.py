"""Rich text: what may stand in it, and how `[@key]` becomes a link to a reference. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import chain, count
from typing import Any

import nh3

TAGS = {"a", "br", "em", "li", "ol", "p", "strong", "ul"}
HEADING = re.compile(r"<(/?)h[1-6]\b[^>]*>", re.IGNORECASE)
NOT_BOLD = re.compile(
    r"<b\b[^>]*(?<![\w-])font-weight:\s*(?:normal|400)[^>]*>", re.IGNORECASE
)  # wraps what Google Docs copies
OTHER_NAME = re.compile(r"<(/?)(b|i|div)(?=[\s/>])", re.IGNORECASE)
OUR_NAME = {"b": "strong", "i": "em", "div": "p"}
NO_CLASS = re.compile(r'<(p|ol) class="">')
TWICE_BOLD = re.compile(r"<strong>\s*<strong>((?:(?!</?strong>).)*)</strong>\s*</strong>", re.DOTALL)
EMPTY = re.compile(r"<(p|strong|em|li|ul|ol)(?: class=\"[a-z]*\")?>(?:\s|&nbsp;|\xa0|<br>)*</\1>")
ALONE_IN_ITEM = re.compile(r"<li>\s*<p>((?:(?!</?p\b).)*)</p>\s*(?=</li>|<[ou]l\b)", re.DOTALL)
CITATION = re.compile(r"\s*\[@([a-z0-9-]+)\]")
TAG = re.compile(r"<[^>]*>")  # in cleaned HTML, where no ">" stands inside an attribute
TOKEN = re.compile(r"\{([a-z_]+)\}")
LINK = re.compile(r"<a\b.*?</a>", re.DOTALL)


def clean(html: str) -> str:
    """Only the tags and attributes that our pages are drawn with; headings become bold paragraphs.

    Applied when a row is saved and again when it is shown, so it holds whoever wrote the row.
    """
    cleaned = nh3.clean(
        _in_our_names(html),
        tags=TAGS,
        attributes={"a": {"href"}},
        allowed_classes={"ol": {"steps"}, "p": {"note"}},
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel=None,
    )
    cleaned = TWICE_BOLD.sub(r"<strong>\1</strong>", NO_CLASS.sub(r"<\1>", cleaned))
    cleaned = ALONE_IN_ITEM.sub(r"<li>\1", cleaned)  # as an editor writes it; one paragraph needs no frame
    while cleaned != (cleaned := EMPTY.sub("", cleaned)):
        pass
    return TAG.sub(lambda tag: CITATION.sub("", tag[0]), cleaned)  # a citation is text, never part of a tag


def _in_our_names(html: str) -> str:
    """One name for each thing, whichever the sender has for it: nothing is lost, and no words are glued together."""
    html = HEADING.sub(lambda tag: "</strong></p>" if tag[1] else "<p><strong>", html)
    return OTHER_NAME.sub(lambda tag: f"<{tag[1]}{OUR_NAME[tag[2].lower()]}", NOT_BOLD.sub("", html))


def fill(text: str, facts: Mapping[str, str]) -> str:
    """Text with each token such as {phone} as the clinic's fact; one that is not set is left out. Escaped for HTML."""
    return TOKEN.sub(lambda token: escape(facts.get(token[1], "")), text)


def tokens_in(text: str) -> list[str]:
    """The names of the facts a text asks for, each once."""
    return list(dict.fromkeys(TOKEN.findall(text)))


def cited_keys(*texts: str) -> list[str]:
    """The keys cited, each once, in order of first use."""
    return list(dict.fromkeys(key for text in texts for key in CITATION.findall(text)))


@dataclass
class Citations:
    """Numbers references in order of first use and remembers each place, so that links go both ways."""

    known: Mapping[str, Any]
    facts: Mapping[str, str] = field(default_factory=dict)
    uses: dict[str, list[str]] = field(default_factory=dict)

    def number(self, key: str) -> int:
        return list(self.uses).index(key) + 1

    def link(self, html: str) -> str:
        """Safe HTML with each `[@key]` turned into a numbered link and the clinic's facts in place of their tokens."""
        return CITATION.sub(self._link_one, LINK.sub(_cite_after, fill(clean(html), self.facts)))

    def _link_one(self, match: re.Match[str]) -> str:
        key = match[1]
        if key not in self.known:
            return ""
        place = self._new_place(key)
        self.uses.setdefault(key, []).append(place)
        return (
            f'<a class="cite" id="{place}" href="#ref-{escape(key)}">'
            f'<span class="unseen">Reference </span>[{self.number(key)}]</a>'
        )

    def _new_place(self, key: str) -> str:
        """An id like cite-key, then cite-key-2; never one that another key may take, such as "key-2" itself."""
        taken = {*self.uses.get(key, []), *(f"cite-{other}" for other in self.known if other != key)}
        places = chain([f"cite-{key}"], (f"cite-{key}-{number}" for number in count(2)))
        return next(place for place in places if place not in taken)


def _cite_after(link: re.Match[str]) -> str:
    """A link with the citations in it moved behind it: links do not nest."""
    return CITATION.sub("", link[0]) + "".join(f"[@{key}]" for key in CITATION.findall(link[0]))


def unknown_keys(texts: Iterable[str], known: Iterable[str]) -> list[str]:
    return [key for key in cited_keys(*texts) if key not in set(known)]
