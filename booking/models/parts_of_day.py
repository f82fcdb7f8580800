"""PartOfDay: morning, afternoon or evening, as people say when a visit suits them."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models

NINE, NOON, FIVE = 9, 12, 17  # o'clock at the clinic


class PartOfDay(models.TextChoices):
    MORNING = "morning", "Mornings, before noon"
    AFTERNOON = "afternoon", "Afternoons, noon to 5 pm"
    EVENING = "evening", "Evenings, from 5 pm"

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> PartOfDay:
        return cls.at(moment.astimezone(zone).time())

    @classmethod
    def at(cls, wall: time) -> PartOfDay:
        return cls.MORNING if wall.hour < NOON else cls.AFTERNOON if wall.hour < FIVE else cls.EVENING

    @classmethod
    def begins(cls, part: str) -> int:
        """The hour, o'clock, to propose first for a part of day."""
        return {cls.MORNING: NINE, cls.AFTERNOON: NOON, cls.EVENING: FIVE}[cls(part)]


def parts_of_day() -> ArrayField:
    return ArrayField(models.CharField(max_length=9, choices=PartOfDay), verbose_name="times of day")
