"""Quiet hours: the hours of the night at the clinic in which no offer is sent."""

from __future__ import annotations

from datetime import datetime, time, tzinfo
from typing import NamedTuple

from revival.base.clock import ONE_DAY, instant_of

HOURS_A_DAY = 24


class QuietHours(NamedTuple):
    """From `from_hour` to `until_hour` on the clinic's clock, over midnight when the first is not the smaller one.

    Both are hours from 0 to 24. Two equal hours, and 24 with 0, leave no quiet hour.
    """

    from_hour: int
    until_hour: int

    @property
    def are_set(self) -> bool:
        return (self.until_hour - self.from_hour) % HOURS_A_DAY > 0

    def hold_at(self, moment: datetime, zone: tzinfo) -> bool:
        since = (moment.astimezone(zone).hour - self.from_hour) % HOURS_A_DAY
        return since < (self.until_hour - self.from_hour) % HOURS_A_DAY

    def next_end(self, moment: datetime, zone: tzinfo) -> datetime:
        """The first moment from `moment` on, in UTC, at which it is not quiet; `moment` itself when it is not now."""
        if not self.hold_at(moment, zone):
            return moment
        wall, day = time(self.until_hour % HOURS_A_DAY), moment.astimezone(zone).date()
        end = instant_of(day, wall, zone)
        while end <= moment or self.hold_at(end, zone):  # the clock can leave out the one hour that is not quiet
            day += ONE_DAY
            end = instant_of(day, wall, zone)
        return end
