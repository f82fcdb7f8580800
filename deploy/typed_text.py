"""Find where a template prints what a person typed without isolating it (`revival/base/bidi.py`).

Where an element may stand, that takes `|bdi`; in mails as text, titles, options and attributes that are read,
`|isolate`; in other attributes, such as `value`, neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.template.base import Lexer, Token, TokenType

from revival.base.bidi import TYPED

# `phone` in a mail is the clinic's, which is digits and dashes alone. Weekdays and public holidays are not typed.
NOT_TYPED = {"clinic.phone", "phone", "day.name", "holiday.name"}
OF_THE_CLINIC = {"address"}  # only of the clinic; elsewhere it is a URL

READ_ATTRIBUTES = {"title", "aria-label", "alt", "placeholder", "content", "label"}
WITHOUT_ELEMENTS = {"title", "option", "textarea", "script", "style"}
PLAIN_BLOCKS = {"title", "description"}  # drawn into `<title>` and `<meta>` by the template they extend

_WITH = re.compile(r'(\w+)=((?:"[^"]*"|[^\s"])+)')
_FILTER = re.compile(r'\|(\w+)(?::(?:"[^"]*"|[^|\s"]+))?')
_ADDED = re.compile(r"\|add:([a-z][\w.]*)")
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_IN_TAG = re.compile(r"""([\w:-]+)=(["'])|>""")


@dataclass
class Place:
    """Where the text read so far ends: among elements, in an attribute, or in an element that holds text alone."""

    element: str = ""  # one of WITHOUT_ELEMENTS
    tag: str = ""  # the tag that is not closed yet
    attribute: str = ""
    quote: str = ""

    def read(self, text: str) -> None:
        at = 0
        while at < len(text):
            at = self._step(text, at)

    def _step(self, text: str, at: int) -> int:
        if self.quote:
            end = text.find(self.quote, at)
            if end >= 0:
                self.quote = self.attribute = ""
            return end + 1 if end >= 0 else len(text)
        if self.tag:
            found = _IN_TAG.search(text, at)
            if found and found[1]:
                self.attribute, self.quote = found[1].lower(), found[2]
            elif found:
                self.element = self.tag if self.tag in WITHOUT_ELEMENTS else ""
                self.tag = ""
            return found.end() if found else len(text)
        found = _TAG.search(text, at)
        if found:
            self.tag = found[1] + found[2].lower()
        return found.end() if found else len(text)

    @property
    def wanted(self) -> str:
        """The filter that belongs here, if any."""
        if self.quote:
            return "isolate" if self.attribute in READ_ATTRIBUTES else ""
        return "isolate" if self.element else "bdi"


@dataclass
class Reader:
    is_text: bool
    place: Place = field(default_factory=Place)
    blocks: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)  # names that the surrounding `blocktranslate` gives

    def faults(self, tokens: list[Token]) -> Iterator[str]:
        for token in tokens:
            for variable in _ADDED.findall(token.contents) if token.token_type != TokenType.TEXT else []:
                if is_typed(variable):
                    yield f"{token.lineno}: |add:{variable} joins what a person typed: assign it with |isolate first"
            if token.token_type == TokenType.TEXT:
                self.place.read(token.contents)
            elif token.token_type == TokenType.VAR:
                if token.contents not in self.given:
                    yield from self._fault(token, token.contents)
            elif token.token_type == TokenType.BLOCK:
                yield from self._of_tag(token)

    def _of_tag(self, token: Token) -> Iterator[str]:
        name, _, rest = token.contents.partition(" ")
        if name == "block":
            self.blocks.append(rest.split()[0])
        elif name == "endblock":
            self.blocks.pop()
        elif name == "firstof":
            for expression in token.split_contents()[1:]:
                yield from self._fault(token, expression)
        elif name in ("blocktranslate", "blocktrans"):
            values = dict(_WITH.findall(rest))
            self.given = set(values)
            for expression in values.values():
                yield from self._fault(token, expression)
        elif name in ("endblocktranslate", "endblocktrans"):
            self.given = set()

    def _fault(self, token: Token, expression: str) -> Iterator[str]:
        variable = expression.split("|")[0].strip()
        if not is_typed(variable):
            return
        used = {"bdi", "isolate"} & set(_FILTER.findall(expression))
        wanted = self.wanted
        if used != ({wanted} if wanted else set()):
            advice = f"|{wanted} belongs here" if wanted else "neither |bdi nor |isolate belongs here"
            yield f"{token.lineno}: {{{{ {expression} }}}} was typed by a person: {advice}"

    @property
    def wanted(self) -> str:
        if self.is_text or (PLAIN_BLOCKS & set(self.blocks) and not self.place.quote):
            return "isolate"
        return self.place.wanted


def is_typed(variable: str) -> bool:
    if variable in NOT_TYPED or variable.startswith(("'", '"', "form.", "field.")):
        return False
    *owner, last = variable.split(".")
    return last in TYPED or (last in OF_THE_CLINIC and owner == ["clinic"])


def bare_fields(path: Path) -> list[str]:
    """The places of one template, each as `line: reason`."""
    reader = Reader(is_text=path.suffix == ".txt")
    return list(reader.faults(Lexer(path.read_text()).tokenize()))
