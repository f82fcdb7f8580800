"""Weak secret keys: whether somebody could guess a key, and what to say about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

SHORTEST = 50  # characters
FEWEST_KINDS = 10  # different characters, and different steps from one character to the next
LEAST_PARTS_OF_THEIR_OWN = 0.75
"""How many of a key's parts of three characters are different ones. A random key has hardly two that are alike."""
PUBLISHED = re.compile(
    r"trial.copy|for.this.check|^drill-|insecure|change.?(me|this)|replace|example|your.?(secret|key)|password|secret.?key",
    re.IGNORECASE,
)
"""Words of keys that stood in published code or in somebody's instructions. By chance none is in a random key."""
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(50))" makes one'


def weakness(key: str) -> str:
    """Why somebody could guess this key, as the end of a sentence about it; empty for a good one."""
    key = key.strip()
    if PUBLISHED.search(key):
        return "is published, in this code or as an example, so everybody has it"
    if len(key) < SHORTEST:
        return f"has {len(key)} characters, and needs at least {SHORTEST}"
    if len(key.split()) > 1:
        return "is a sentence, and not random"
    parts = [key[at : at + 3] for at in range(len(key) - 2)]
    steps = {ord(after) - ord(before) for before, after in pairwise(key)}
    if min(len(set(key)), len(steps)) < FEWEST_KINDS or len(set(parts)) < LEAST_PARTS_OF_THEIR_OWN * len(parts):
        return "is not random: its characters repeat or follow each other"
    return ""


def what_is_weak(keys: Mapping[str, str]) -> str:
    """One sentence about the first weak key, or two that are the same, and how to make a good one; empty if all are."""
    names = list(keys)
    for number, name in enumerate(names):
        if why := weakness(keys[name]):
            return f"{name} {why}; {HOW_TO_MAKE_ONE}."
        if same := [other for other in names[:number] if keys[other].strip() == keys[name].strip()]:
            return f"{name} is the same as {same[0]}; each needs a key of its own: {HOW_TO_MAKE_ONE}."
    return ""
