"""Text that people typed, isolated: after an Arabic name, "612-555-0142" would otherwise read "0142-555-612".

`bdi` is for HTML where an element may stand. `isolate` is for all other text: mails, subjects, titles, options,
attributes, sentences put together in Python. Both are filters of every template.

Pages and mails run from left to right. In such a line, text without characters that run from right to left, and
without marks that turn its direction, cannot change the order of anything (Unicode Standard Annex 9). It stays as it
is, so that ordinary mails stay plain. What is isolated is balanced, too: a mark without its end would reach past it.
"""

from __future__ import annotations

import unicodedata

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

TYPED = frozenset(
    (
        *("name", "short_name", "first_name", "patient_name", "email", "phone", "patient_phone", "recipient"),
        *("note", "reason", "cancel_reason", "override_reason", "role"),
        *("degree", "license_number", "focus", "languages", "fee", "directions", "parking", "arrival"),
        "fact_line",  # of a `Fact`, whichever field it came from
        # Rows that are printed as a name:
        *("therapist", "former_therapist", "whom", "with_whom", "who", "service"),
        *("taken_up_by", "reached_by", "settled_by", "started_by", "override_by", "made_by"),
    )
)
"""What people type, as fields and variables call it; the lint of templates and test_bidi.py look for it."""

_FSI, _PDI = "\u2068", "\u2069"  # first strong isolate, pop directional isolate
_OPENS = ("\u2066", "\u2067", _FSI)
_KEEPS_ORDER = frozenset(["L", "EN", "ES", "ET", "CS", "NSM", "BN", "B", "S", "WS", "ON"])


@register.filter(is_safe=False)
def isolate(text: object) -> str:
    """The text between U+2068 and U+2069, each line by itself, where it needs that; else as it is."""
    return "".join(_isolated_line(line) for line in str(text).splitlines(keepends=True))


@register.filter(is_safe=True)
def bdi(text: object) -> SafeString:
    """The text in a `<bdi>` element, where it needs one; else as it is."""
    if hasattr(text, "__html__") or not _needs_isolation(str(text)):
        return format_html("{}", text)
    return format_html("<bdi>{}</bdi>", "".join(_balanced(line) for line in str(text).splitlines(keepends=True)))


def _needs_isolation(text: str) -> bool:
    return not text.isascii() and any(unicodedata.bidirectional(sign) not in _KEEPS_ORDER for sign in text)


def _isolated_line(line: str) -> str:
    if not _needs_isolation(line):
        return line
    text = line.splitlines()[0]
    balanced, end = _balanced(text), line[len(text) :]
    if not _needs_isolation(balanced) or _is_isolated(balanced):
        return balanced + end
    return f"{_FSI}{balanced}{_PDI}{end}"


def _balanced(line: str) -> str:
    """The line with each isolate closed before its end, and without a close that belongs to none."""
    text = line.splitlines()[0] if line else ""
    kept, depth = [], 0
    for sign in text:
        if sign == _PDI and depth == 0:
            continue
        depth += (sign in _OPENS) - (sign == _PDI)
        kept.append(sign)
    return "".join(kept) + _PDI * depth + line[len(text) :]


def _is_isolated(balanced: str) -> bool:
    """Whether one isolate holds the whole text."""
    if not balanced.startswith(_OPENS):
        return False
    depth = 0
    for number, sign in enumerate(balanced, start=1):
        depth += (sign in _OPENS) - (sign == _PDI)
        if depth == 0:
            return number == len(balanced)
    return False
