"""Versions: what a page shows of a row when it offers a decision, as short text that the form sends back.

A version is `state.rest`; a row with the same version is, for the person who decides, the same. What no decision is
about (phone, note, e-mail) is not in it. It is no secret, and whoever changes it can only have their own decision
refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from revival.base.clock import is_in_era

VISIT = re.compile(r"([a-z-]{1,12})\.([0-9]{1,11})\.([0-9]{1,11})\.([0-9]{1,9})\.([0-9]{1,9})\Z")
"""State, start and end in seconds since 1970, ids of therapist and service."""


class Versioned(Protocol):
    """A row about which people decide."""

    @property
    def version(self) -> str: ...


@dataclass(frozen=True)
class Together:
    """Several rows about which one decision is made."""

    rows: Sequence[Versioned]

    @property
    def version(self) -> str:
        return " ".join(row.version for row in self.rows)


@dataclass(frozen=True)
class VisitVersion:
    """What is shown of a visit: state, times, and the ids of therapist and service."""

    state: str
    starts_at: datetime
    ends_at: datetime
    therapist: int
    service: int

    def __str__(self) -> str:
        times = f"{int(self.starts_at.timestamp())}.{int(self.ends_at.timestamp())}"
        return f"{self.state}.{times}.{self.therapist}.{self.service}"

    @classmethod
    def last_in(cls, version: str) -> VisitVersion | None:
        """The visit in a version of it, or at the end of the version of a row about it; None when there is none."""
        match = VISIT.search(version)
        if match is None:
            return None
        state, starts, ends, therapist, service = match.groups()
        starts_at, ends_at = datetime.fromtimestamp(int(starts), UTC), datetime.fromtimestamp(int(ends), UTC)
        is_real = is_in_era(starts_at) and is_in_era(ends_at)
        return cls(state, starts_at, ends_at, int(therapist), int(service)) if is_real else None
