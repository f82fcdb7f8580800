"""Cleaning of rich text: which elements, attributes and addresses stay, and why a text is refused. Pure.

A text is read into a tree, tidied, written back, and passed to nh3. nh3 comes last, so whatever the steps before it
get wrong, no other element, attribute or scheme reaches a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape

import nh3

from .tree import MAX_ADDRESS_LENGTH, Element, Node, TooMuchError, elements_in, html_of, parse, texts_in

TAGS = {"a", "br", "em", "li", "ol", "p", "strong", "ul"}
CLASSES = {"ol": {"steps"}, "p": {"note"}}
SCHEMES = {"https", "http", "mailto", "tel"}
EMPTY_IF_BLANK = {"p", "strong", "em", "li", "ul", "ol"}
TAG = re.compile(r"<[^<>]*>")  # without "<" inside, so that each character is looked at once
SHOWN_LENGTH = 60
"""Characters of an address in a message."""


def clean(html: str) -> str:
    """Safe HTML with only the tags and attributes that our pages use; headings become bold paragraphs.

    Applied on save and again on display, because bulk changes and imports do not call `save`. Of a text over the
    bounds, which only such rows can have, only the words are kept.
    """
    tree = read(html)
    return write_words(html) if tree is None else write(tree)


def read(html: str) -> Element | None:
    """The tidied tree of a text; None if it is over a bound."""
    try:
        tree = parse(html)
    except TooMuchError:
        return None
    _tidy(tree)
    return tree


def write(tree: Element) -> str:
    """Safe HTML of a tree: nh3 lets through what our pages are drawn with and nothing else."""
    return nh3.clean(
        html_of(tree),
        tags=TAGS | {"span"},
        attributes={"*": set(), "a": {"href", "id"}},
        allowed_classes=CLASSES | {"a": {"cite"}, "span": {"unseen"}},
        url_schemes=SCHEMES,
        link_rel=None,
    )


def words_of(html: str) -> str:
    """The words of a text of any length and shape, without tags; not HTML."""
    return unescape(TAG.sub(" ", html)).replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")


def write_words(html: str) -> str:
    """Safe HTML of the words alone, as nh3 writes words."""
    return escape(words_of(html), quote=False).replace("\xa0", "&nbsp;")


# ---- tidying ---------------------------------------------------------------------------------


def _tidy(element: Element) -> None:
    """Keep only the attributes we use, and take out what is empty, bold twice, or a paragraph alone in an item."""
    element.attributes = _kept_attributes(element)
    children, element.children = element.children, []
    for child in children:
        if isinstance(child, Element):
            _tidy(child)
            if child.name in EMPTY_IF_BLANK and all(_is_blank(node) for node in child.children):
                continue
        element.add(child)
    solid = [child for child in element.children if not (isinstance(child, str) and not child.strip())]
    if element.name == "strong" and len(solid) == 1 and _is(solid[0], "strong"):
        element.children = solid[0].children  # type: ignore[union-attr]  # an element, as _is says
    elif element.name == "li":
        _unwrap_item(element, solid)


def _kept_attributes(element: Element) -> dict[str, str]:
    if element.name == "a":
        address = element.attributes.get("href")
        return {} if address is None or _fault_of(address) else {"href": address.strip()}
    classes = set(element.attributes.get("class", "").split()) & CLASSES.get(element.name, set())
    return {"class": " ".join(classes)} if classes else {}


def _is(node: Node, *names: str) -> bool:
    return isinstance(node, Element) and node.name in names


def _is_blank(node: Node) -> bool:
    return not node.strip() if isinstance(node, str) else node.name == "br"


def _unwrap_item(item: Element, solid: list[Node]) -> None:
    """The editor wraps each item's text in a paragraph: alone, or before a list, it needs none."""
    first, *rest = solid or [""]
    is_alone = not rest or _is(rest[0], "ul", "ol")
    if isinstance(first, Element) and first.name == "p" and not first.attributes and is_alone:
        item.children = first.children + (item.children[item.children.index(rest[0]) :] if rest else [])


# ---- links -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    address: str
    words: str


def links_in(html: str) -> list[Link]:
    """The links of a text that readers can follow."""
    tree = read(html) or Element("")
    return [
        Link(link.attributes["href"], "".join(texts_in(link)))
        for link in elements_in(tree, "a")
        if "href" in link.attributes
    ]


def texts_of(html: str) -> list[str]:
    """The texts between the tags, where citations and facts may stand; none if the text is over a bound."""
    return list(texts_in(read(html) or Element("")))


def reasons_to_refuse(html: str) -> list[str]:
    """Why a text cannot be saved, as ends of sentences about it; empty if it can."""
    try:
        tree = parse(html)
    except TooMuchError as error:
        return [str(error)]
    addresses = dict.fromkeys(link.attributes.get("href", "") for link in elements_in(tree, "a"))
    return [
        f"has a link to “{address[:SHOWN_LENGTH]}”, {reason}" for address in addresses if (reason := _fault_of(address))
    ]


def _fault_of(address: str) -> str:
    """Why no link may have this address, as the end of a sentence; empty if one may."""
    bare = address.strip()
    if len(address) > MAX_ADDRESS_LENGTH:
        return f"which is longer than {MAX_ADDRESS_LENGTH:,} characters. Take a shorter address."
    if "{" in bare or "}" in bare:
        return "but in an address no fact is filled in. Write the address itself, without braces."
    if not bare.isprintable():
        return "which has a line break or an invisible character. Type the address anew."
    scheme, has_scheme, _ = bare.partition(":")
    if has_scheme and scheme.lower() not in SCHEMES and not set("/?#") & set(scheme):
        return "but links start with https://, http://, mailto:, tel:, / or #."
    return ""
