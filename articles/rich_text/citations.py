"""Citations `[@key]` as links to references, and tokens such as {phone} as the clinic's facts. Pure.

Both are looked for in texts of the parsed tree, never in attributes, and what a fact says is not looked through again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import count

from .cleaning import read, texts_of, words_of, write, write_words
from .tree import Element, Node, texts_in

CITATION = re.compile(r"\[@([a-z0-9-]+)\]")
TOKEN = re.compile(r"\{([a-z_]+)\}")


def fill(text: str, clinic_facts: Mapping[str, str]) -> str:
    """Replace tokens such as {phone} in escaped text by the clinic's facts, escaped; unset ones by nothing."""
    return TOKEN.sub(lambda token: escape(clinic_facts.get(token[1], "")), text)


def tokens_in(html: str) -> list[str]:
    """Names of the clinic's facts that a text uses, each once."""
    return list(dict.fromkeys(name for text in texts_of(html) for name in TOKEN.findall(text)))


def cited_keys(*htmls: str) -> list[str]:
    """Keys that the texts cite, each once, in order of first use."""
    return list(dict.fromkeys(key for html in htmls for text in texts_of(html) for key in CITATION.findall(text)))


def unknown_keys(htmls: Iterable[str], known: Iterable[str]) -> list[str]:
    """Keys that the texts cite and that no reference has."""
    return [key for key in cited_keys(*htmls) if key not in set(known)]


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
        tree = read(html)
        return write_words(html) if tree is None else write(self._linked(tree))

    def words(self, html: str) -> str:
        """The same text in one line without any markup; not HTML."""
        tree = read(html)
        texts = [words_of(html)] if tree is None else texts_in(self._linked(tree))
        return " ".join(" ".join(texts).split())

    def _linked(self, element: Element) -> Element:
        """The element with its citations as links; those inside a link stand behind it, since links cannot nest."""
        linked = Element(element.name, element.attributes)
        for child in element.children:
            for node in self._shown(child):
                linked.add(node)
        return linked

    def _shown(self, node: Node) -> Iterator[Node]:
        if isinstance(node, str):
            *cited, (last, _) = _pairs(node)
            for words, key in cited:
                yield self._filled(words).rstrip()
                yield self._citation(key)
            yield self._filled(last)
        elif node.name == "a":
            yield self._without_citations(node)
            yield from (self._citation(key) for text in texts_in(node) for key in CITATION.findall(text))
        else:
            yield self._linked(node)

    def _without_citations(self, element: Element) -> Element:
        children = [
            self._filled(_without_citations(child)) if isinstance(child, str) else self._without_citations(child)
            for child in element.children
        ]
        return Element(element.name, element.attributes, children)

    def _filled(self, words: str) -> str:
        return TOKEN.sub(lambda token: self.clinic_facts.get(token[1], ""), words)

    def _citation(self, key: str) -> Node:
        """The link to a reference; nothing for a key that no reference has."""
        if key not in self.keys:
            return ""
        place = self._new_place(key)
        self.uses.setdefault(key, []).append(place)
        unseen = Element("span", {"class": "unseen"}, ["Reference "])
        return Element("a", {"class": "cite", "id": place, "href": f"#ref-{key}"}, [unseen, f"[{self.number(key)}]"])

    def _new_place(self, key: str) -> str:
        """A new id such as cite-key or cite-key-2, and none that belongs to another key, such as "key-2"."""
        if key not in self.uses:
            self._numbers[key] = count(2)
            return f"cite-{key}"
        places = (f"cite-{key}-{number}" for number in self._numbers[key])
        return next(place for place in places if place not in self._first_places)

    @cached_property
    def _first_places(self) -> set[str]:
        return {f"cite-{key}" for key in self.keys}

    @cached_property
    def _numbers(self) -> dict[str, Iterator[int]]:
        """The numbers that are left for further places of each key."""
        return {}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Words with the key cited after them; the last words have none."""
    parts = [*CITATION.split(text), ""]
    return zip(parts[::2], parts[1::2], strict=True)


def _without_citations(text: str) -> str:
    """The text without its citations and the spaces before them."""
    *before, last = CITATION.split(text)[::2]
    return "".join(part.rstrip() for part in before) + last
