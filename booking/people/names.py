"""Names of people: as they are kept, and the key in which they are compared and found (Unicode UAX 15)."""

from __future__ import annotations

import re
import unicodedata

BLANK_LETTERS = set("\u115f\u1160\u3164\uffa0")
"""Hangul fillers: Unicode calls them letters, and nobody sees them."""

PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n"}
)
"""Letters of Latin script that look like another with an accent, which Unicode does not take apart."""


APOSTROPHES = set("'`´‘’ʼʻʹ")
ACCENTS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\ufe20-\ufe2f]"
)
"""Marks beside letters of Latin, Greek, Cyrillic, Hebrew and Arabic script. Others make up words."""


def clean_name(typed: str) -> str:
    """The name as it is kept: NFC, with one space between words and none around them."""
    return " ".join(unicodedata.normalize("NFC", typed).split())


def has_letter(name: str) -> bool:
    """Whether there is a letter of any script that can be seen."""
    return any(unicodedata.category(sign)[0] == "L" and sign not in BLANK_LETTERS for sign in name)


def name_key(name: str) -> str:
    """The name without case, accents, punctuation and invisible marks: equal for one name typed in two ways."""
    return " ".join(name_words(name))


def name_words(name: str) -> list[str]:
    """The words of the key, in order. "Müller, Zoë" gives `muller` and `zoe`."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    signs = "".join(map(_sign_of_key, apart.translate(PLAIN_LETTERS)))
    return unicodedata.normalize("NFC", signs).split()


def _sign_of_key(sign: str) -> str:
    if sign in APOSTROPHES or ACCENTS.match(sign) or unicodedata.category(sign) == "Cf":
        return ""
    is_part_of_word = unicodedata.category(sign)[0] in "LMN" and sign not in BLANK_LETTERS
    return sign if is_part_of_word else " "
