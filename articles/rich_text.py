"""Rich text: cleaning of HTML, tokens such as {phone}, and citations `[@key]` as links to references. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import chain, count

import nh3

TAGS = {"a", "br", "em", "li", "ol", "p", "strong", "ul"}
HEADING = re.compile(r"<(/?)h[1-6]\b[^>]*>", re.IGNORECASE)
NOT_BOLD = re.compile(
    r"<b\b[^>]*(?<![\w-])font-weight:\s*(?:normal|400)[^>]*>", re.IGNORECASE
)  # Google Docs wraps what it copies in one
OTHER_NAME = re.compile(r"<(/?)(b|i|div)(?=[\s/>])", re.IGNORECASE)
TAG_NAMES = {"b": "strong", "i": "em", "div": "p"}
NO_CLASS = re.compile(r'<(p|ol) class="">')
TWICE_BOLD = re.compile(r"<strong>\s*<strong>((?:(?!</?strong>).)*)</strong>\s*</strong>", re.DOTALL)
EMPTY = re.compile(r"<(p|strong|em|li|ul|ol)(?: class=\"[a-z]*\")?>(?:\s|&nbsp;|\xa0|<br>)*</\1>")
ALONE_IN_ITEM = re.compile(r"<li>\s*<p>((?:(?!</?p\b).)*)</p>\s*(?=</li>|<[ou]l\b)", re.DOTALL)
CITATION = re.compile(r"\s*\[@([a-z0-9-]+)\]")
TAG = re.compile(r"<[^>]*>")  # in cleaned HTML, where no ">" stands inside an attribute
TOKEN = re.compile(r"\{([a-z_]+)\}")
LINK = re.compile(r"<a\b.*?</a>", re.DOTALL)


def clean(html: str) -> str:
    """Safe HTML with only the tags and attributes that our pages use; headings become bold paragraphs.

    Applied on save and again on display, because bulk changes and imports do not call `save`.
    """
    cleaned = nh3.clean(
        _rename_tags(html),
        tags=TAGS,
        attributes={"a": {"href"}},
        allowed_classes={"ol": {"steps"}, "p": {"note"}},
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel=None,
    )
    cleaned = TWICE_BOLD.sub(r"<strong>\1</strong>", NO_CLASS.sub(r"<\1>", cleaned))
    cleaned = ALONE_IN_ITEM.sub(r"<li>\1", cleaned)  # the editor wraps each item's text in a paragraph
    while cleaned != (cleaned := EMPTY.sub("", cleaned)):
        pass
    return TAG.sub(lambda tag: CITATION.sub("", tag[0]), cleaned)  # a link inside a tag would break the page


def _rename_tags(html: str) -> str:
    """Replace tags we do not use by ours: removing them would lose emphasis and join words across blocks."""
    html = HEADING.sub(lambda tag: "</strong></p>" if tag[1] else "<p><strong>", html)
    return OTHER_NAME.sub(lambda tag: f"<{tag[1]}{TAG_NAMES[tag[2].lower()]}", NOT_BOLD.sub("", html))


def fill(text: str, clinic_facts: Mapping[str, str]) -> str:
    """Replace tokens such as {phone} by the clinic's facts, escaped for HTML; unset ones by nothing."""
    return TOKEN.sub(lambda token: escape(clinic_facts.get(token[1], "")), text)


def tokens_in(text: str) -> list[str]:
    """Names of the clinic's facts that a text uses, each once."""
    return list(dict.fromkeys(TOKEN.findall(text)))


def cited_keys(*texts: str) -> list[str]:
    """Keys that the texts cite, each once, in order of first use."""
    return list(dict.fromkeys(key for text in texts for key in CITATION.findall(text)))


@dataclass
class Citations:
    """Citations of a page with the references' `keys`: numbers in order of first use, and ids for links back."""

    keys: Collection[str]
    clinic_facts: Mapping[str, str] = field(default_factory=dict)
    uses: dict[str, list[str]] = field(default_factory=dict)

    def number(self, key: str) -> int:
        return list(self.uses).index(key) + 1

    def link(self, html: str) -> str:
        """Safe HTML with each `[@key]` as a numbered link and tokens replaced by the clinic's facts."""
        return CITATION.sub(self._citation_link, LINK.sub(_move_citations_out, fill(clean(html), self.clinic_facts)))

    def _citation_link(self, match: re.Match[str]) -> str:
        key = match[1]
        if key not in self.keys:
            return ""
        place = self._new_place(key)
        self.uses.setdefault(key, []).append(place)
        return (
            f'<a class="cite" id="{place}" href="#ref-{escape(key)}">'
            f'<span class="unseen">Reference </span>[{self.number(key)}]</a>'
        )

    def _new_place(self, key: str) -> str:
        """A new id such as cite-key or cite-key-2, and none that belongs to another key, such as "key-2"."""
        taken = {*self.uses.get(key, []), *(f"cite-{other}" for other in self.keys if other != key)}
        places = chain([f"cite-{key}"], (f"cite-{key}-{number}" for number in count(2)))
        return next(place for place in places if place not in taken)


def _move_citations_out(link: re.Match[str]) -> str:
    """A link with its citations moved behind it, since HTML links cannot nest."""
    return CITATION.sub("", link[0]) + "".join(f"[@{key}]" for key in CITATION.findall(link[0]))


def unknown_keys(texts: Iterable[str], known: Iterable[str]) -> list[str]:
    """Keys that the texts cite and that no reference has."""
    return [key for key in cited_keys(*texts) if key not in set(known)]
