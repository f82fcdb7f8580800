"""HTML parser: reads HTML into a tree of the few elements that our pages use, and writes it back. Pure.

It takes time in proportion to the length, whatever is written: each `<` begins a piece that is read once, and no piece
reaches into the next. It decides nothing about safety: `cleaning` passes what it writes to nh3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from html.entities import html5

MAX_LENGTH = 50_000
"""Characters of one text."""
MAX_MARKS = {"<": (1_000, "tags"), "{": (1_000, "braces"), "[@": (200, "citations"), "&": (2_000, "&-signs")}
"""How many of each a text may have, and their name."""
MAX_TAG_LENGTH = 3_000
MAX_DEPTH = 30
MAX_ADDRESS_LENGTH = 2_000  # characters; browsers need not open longer ones

# Neither pattern tries anything twice ("++", "*+"), so each takes as long as what it reads.
REST_OF_TAG = re.compile(r"""[^"'>]*+(?:"[^"]*+"[^"'>]*+|'[^']*+'[^"'>]*+)*+>""")
"""Up to the `>` that stands in no quotes."""
ATTRIBUTE = re.compile(r"""([^\s"'>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")

ATTRIBUTES = {"a": "href", "b": "style", "div": "class", "ol": "class", "p": "class"}
"""The attribute that matters, by element."""
NAMES = {"b": "strong", "i": "em", "div": "p"} | {name: name for name in ("a", "em", "li", "ol", "p", "strong", "ul")}
"""Our element for each element that we keep; of all others the words stay."""
HEADINGS = {f"h{level}" for level in range(1, 7)}
BLOCKS = HEADINGS | {
    *("address", "article", "aside", "blockquote", "center", "details", "dialog", "dd", "div", "dl", "dt", "fieldset"),
    *("figcaption", "figure", "footer", "form", "header", "hr", "li", "main", "menu", "nav", "ol", "p", "pre"),
    *("search", "section", "summary", "table", "ul"),
}
"""Elements that end an open paragraph (HTML, "a p element's end tag can be omitted")."""
CODE = {"script", "style"}
"""Elements whose text is no words."""
NORMAL_WEIGHTS = ("font-weight:normal", "font-weight:400")  # Google Docs wraps what it copies in such a <b>


class TooMuchError(ValueError):
    """The text is over one of the bounds; the message says which, as the end of a sentence."""


@dataclass
class Element:
    """An element of ours with what it holds; the tree's root has no name."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def add(self, node: Node) -> None:
        """Add a node at the end; texts side by side become one."""
        if isinstance(node, str) and self.children and isinstance(self.children[-1], str):
            self.children[-1] += node
        elif node:
            self.children.append(node)


Node = Element | str


def parse(html: str) -> Element:
    """The tree of a text. Raises TooMuchError."""
    _check_bounds(html)
    reader = _Reader()
    words, *pieces = _without_comments(html.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")).split("<")
    reader.add_text(words)
    for piece in pieces:
        reader.read(piece)
    return reader.root


def _check_bounds(html: str) -> None:
    if len(html) > MAX_LENGTH:
        raise TooMuchError(f"has {len(html):,} characters, and {MAX_LENGTH:,} are possible. Make it two texts.")
    for mark, (most, name) in MAX_MARKS.items():
        if html.count(mark) > most:
            raise TooMuchError(f"has more than {most:,} {name}. Make it two texts.")


def _without_comments(html: str) -> str:
    before, *parts = html.split("<!--")
    return before + "".join(part if part[:1] == ">" else part.partition("-->")[2] for part in parts)


class _Reader:
    """Builds the tree, piece by piece."""

    def __init__(self) -> None:
        self.root = Element("")
        self.open: list[tuple[str, Element]] = [("", self.root)]
        """Elements without an end tag yet: the name that ends each, and where its content goes."""
        self.code = ""
        """The element without words that is being read, if any."""

    def read(self, piece: str) -> None:
        """Read what follows a `<` up to the next one: a tag with the words after it, or only words."""
        match = REST_OF_TAG.match(piece)
        if match is None or not (piece[0].isalpha() or piece[0] in "/!?"):
            self.add_text(f"<{piece}")
            return
        tag, words = piece[: match.end() - 1], piece[match.end() :]
        if len(tag) > MAX_TAG_LENGTH:
            raise TooMuchError(f"has a tag of more than {MAX_TAG_LENGTH:,} characters. Take a shorter address.")
        name = tag.replace("/", " ").split(None, 1)[0].lower() if tag[0] not in "!?" and tag.strip("/ \n") else ""
        if tag[0] == "/":
            self._end(name)
        else:
            self._start(name, tag[len(name) :])
        self.add_text(words)

    def add_text(self, raw: str) -> None:
        if raw and not self.code:
            self._innermost.add(unescape(raw))

    @property
    def _innermost(self) -> Element:
        return self.open[-1][1]

    def _start(self, tag: str, rest: str) -> None:
        if self.code:
            return
        if tag in CODE:
            self.code = tag
        if tag in BLOCKS:
            self._close("p")
        if tag in HEADINGS:
            self._open("p")
            self._open("strong")
        elif tag == "br":
            self._innermost.add(Element("br"))
        elif tag in NAMES:
            self._open(NAMES[tag], _attributes(ATTRIBUTES.get(tag, ""), rest))

    def _open(self, name: str, attributes: dict[str, str] | None = None) -> None:
        given = attributes or {}
        if name == "a":
            self._close("a")
        if name == "li":
            self._close("li", within=("ul", "ol"))
        if "".join(given.pop("style", "").split()).lower().startswith(NORMAL_WEIGHTS):
            element = self._innermost  # not bold: its end tag ends nothing else
        else:
            element = Element(name, given)
            self._innermost.add(element)
        self.open.append((name, element))
        if len(self.open) > MAX_DEPTH:
            raise TooMuchError(f"has more than {MAX_DEPTH} tags inside one another.")

    def _end(self, tag: str) -> None:
        if self.code:
            self.code = "" if tag == self.code else self.code
        elif tag in HEADINGS:
            self._close("p")
        elif tag in NAMES:
            self._close(NAMES[tag])

    def _close(self, name: str, within: tuple[str, ...] = ()) -> None:
        """Close the innermost open element of that name and all in it; none outside of the elements `within`."""
        for place in range(len(self.open) - 1, 0, -1):
            if self.open[place][0] == name:
                del self.open[place:]
                return
            if self.open[place][0] in within:
                return


def _attributes(wanted: str, tag: str) -> dict[str, str]:
    """The wanted attribute, if a tag has it; the first one counts."""
    if not wanted or "=" not in tag:
        return {}
    values = (_attribute_text("".join(values)) for name, *values in ATTRIBUTE.findall(tag) if name.lower() == wanted)
    value = next(values, None)
    return {} if value is None else {wanted: value}


def _attribute_text(raw: str) -> str:
    """An attribute's value: here, other than in text, only an entity that ends with `;` is one."""
    first, *rest = raw.split("&")
    return first + "".join(_entity(part) for part in rest)


def _entity(part: str) -> str:
    name, has_end, rest = part.partition(";")
    is_one = has_end and (name[:1] == "#" or f"{name};" in html5)
    return unescape(f"&{name};") + rest if is_one else f"&{part}"


def texts_in(element: Element) -> Iterator[str]:
    """The texts of a tree, in order; attributes are none."""
    for child in element.children:
        if isinstance(child, str):
            yield child
        else:
            yield from texts_in(child)


def elements_in(element: Element, name: str) -> Iterator[Element]:
    """The elements of that name inside, in order."""
    for child in element.children:
        if isinstance(child, Element):
            if child.name == name:
                yield child
            yield from elements_in(child, name)


def html_of(node: Node) -> str:
    """The HTML of a tree or text."""
    if isinstance(node, str):
        return node.replace("&", "&amp;").replace("<", "&lt;")
    inside = "".join(map(html_of, node.children))
    if not node.name:
        return inside
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in node.attributes.items())
    return f"<{node.name}{attributes}>" + ("" if node.name == "br" else f"{inside}</{node.name}>")
