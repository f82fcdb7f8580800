"""What `make test` does once and `make check` and CI do again and again, or everywhere."""

from __future__ import annotations

import os

EXHAUSTIVE = os.environ.get("EXHAUSTIVE") == "true"


def rounds(many: int) -> range:
    """The rounds of a race: one, or so many."""
    return range(many if EXHAUSTIVE else 1)
