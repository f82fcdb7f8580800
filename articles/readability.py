"""Readability of a text: Flesch–Kincaid grade and hints for editors. Pure.

The grade (Kincaid et al. 1975) is 0.39 × words per sentence + 11.8 × syllables per word − 15.59: the US school
grade after which an average reader understands the text. It is an estimate, so it only advises editors.
"""

from __future__ import annotations

import re
from html import unescape

SENTENCE_END = re.compile(r"(?<![.!?:])[.!?:]+(?=\s|$)|\n")
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
VOWELS = re.compile(r"[aeiouy]+")
TAG, BLOCK_END = re.compile(r"<[^<>]*>"), re.compile(r"</(?:p|li|div|h\d)>", re.IGNORECASE)
BARE_PERCENT = re.compile(r"\b\d[\d.,]{0,9}\s?(?:%|percent)", re.IGNORECASE)
SKIN_COLOR = re.compile(
    r"\b(red|redness|pink|purple|blue|pale|white|black|brown|dark|flushed|blanch\w*)\b", re.IGNORECASE
)


def plain_text(html: str) -> str:
    """Rich text without tags and citations, each paragraph on a line of its own."""
    text = TAG.sub(" ", BLOCK_END.sub("\n", re.sub(r"\[@[a-z0-9-]+\]", "", html)))
    return "\n".join(" ".join(line.split()) for line in unescape(text).splitlines() if line.strip())


def words_in(text: str) -> list[str]:
    return WORD.findall(text)


def syllables(word: str) -> int:
    """Estimated number of syllables: groups of vowels, without a silent e at the end."""
    groups = len(VOWELS.findall(word.lower()))
    is_silent = word.lower().endswith("e") and not word.lower().endswith(("le", "ee", "ye"))
    return max(1, groups - (is_silent and groups > 1))


def grade(text: str) -> float:
    """Flesch–Kincaid grade of plain text; 0 if it has no words."""
    words = words_in(text)
    if not words:
        return 0.0
    sentences = sum(1 for part in SENTENCE_END.split(text) if words_in(part))
    return 0.39 * len(words) / max(1, sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def hints(text: str) -> list[str]:
    """Advice on percentages without a base, and on colors that look different on each skin."""
    percents = [
        f"“{match[0]}”: percent of what? Say it in people, such as 3 of 10." for match in BARE_PERCENT.finditer(text)
    ]
    colors = dict.fromkeys(match[0].lower() for match in SKIN_COLOR.finditer(text))
    return percents + [f"“{color}”: marks look different on each skin; is it clear on all?" for color in colors]
