"""Visits that a change of hours would leave outside: listed before it is made, and told from those shown before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from booking.models import Appointment, HeldFor, State

MOST_SHOWN = 2000
"""Ids that a page carries from the list to the button; more are listed again."""


@dataclass(frozen=True)
class InTheWay:
    """What a page lists: visits, each with a link, and times that are only held."""

    visits: list[Appointment]
    held: list[Appointment]

    @classmethod
    def of(cls, found: list[Appointment]) -> InTheWay:
        return cls([one for one in found if one.state != State.HELD], [one for one in found if one.state == State.HELD])

    @property
    def shown(self) -> str:
        """For the hidden field `shown`: which visits this page lists."""
        return ",".join(str(visit.pk) for visit in self.visits[:MOST_SHOWN])

    @property
    def typing(self) -> int:
        return sum(one.held_for == HeldFor.PATIENT for one in self.held)

    @property
    def offers(self) -> int:
        return len(self.held) - self.typing


def shown_before(request: HttpRequest) -> set[int]:
    """The ids in the field `shown`. What is no number is nobody's visit."""
    found: Any = request.POST.get("shown", "")
    return {int(one) for one in found.split(",")[:MOST_SHOWN] if re.fullmatch(r"[0-9]{1,18}", one)}
