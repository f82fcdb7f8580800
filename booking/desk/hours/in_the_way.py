"""Visits that a change of hours would leave outside: listed on a preview, and checked against it on save."""

from __future__ import annotations

import re
from dataclasses import dataclass

from booking.models import Appointment, HeldFor, State
from revival.base.desk_parts.staff_request import StaffRequest

MOST_SHOWN = 2000
"""Ids that a page carries from the list to the button; more are listed again."""


@dataclass(frozen=True)
class InTheWay:
    """What a preview lists: visits, each with a link, and times that are only held."""

    visits: list[Appointment]
    held: list[Appointment]

    @classmethod
    def of(cls, appointments: list[Appointment]) -> InTheWay:
        held = [appointment for appointment in appointments if appointment.state == State.HELD]
        return cls([appointment for appointment in appointments if appointment.state != State.HELD], held)

    @property
    def shown(self) -> str:
        """Value of the hidden field `shown`: the ids of the visits that this page lists."""
        return ",".join(str(visit.pk) for visit in self.visits[:MOST_SHOWN])

    @property
    def booking_now(self) -> int:
        """Number of times held for patients who are booking at the moment."""
        return sum(hold.held_for == HeldFor.PATIENT for hold in self.held)

    @property
    def offers(self) -> int:
        """Number of times offered to the waiting list."""
        return len(self.held) - self.booking_now


def visits_shown(request: StaffRequest) -> set[int]:
    """The ids in the field `shown`. Anything that is not a number is ignored."""
    ids = request.POST.get("shown", "").split(",")[:MOST_SHOWN]
    return {int(number) for number in ids if re.fullmatch(r"[0-9]{1,18}", number)}
