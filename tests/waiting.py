"""Waiting for what another thread, process or browser does: until it is so, however slow the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 120
"""Seconds until something counts as hung. No test says how quick anything is."""


def wait_for(condition: Callable[[], T]) -> T:
    """What `condition` returns once that is true."""
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < until, "It did not happen."
        time.sleep(0.05)
    return found
