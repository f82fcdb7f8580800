"""DailyCount: how often a network has booked today, without saying which network it was."""

from __future__ import annotations

import hmac
from datetime import date

from django.conf import settings
from django.db import connection, models


class Counted(models.TextChoices):
    BOOKING = "booking", "Bookings"
    HOLD = "hold", "Open holds"
    ASK = "ask", "Contact requests and waiting-list entries"
    CLEAR = "clear", "Answers to “Was this clear?”"


class DailyCountQuerySet(models.QuerySet["DailyCount"]):
    def add(self, *, kind: Counted, network: str, day: date, by: int = 1) -> int:
        """Count once more, in one statement. Returns the sum so far that day, which is never below zero."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO booking_dailycount (kind, network_digest, day, count)"
                " VALUES (%s, %s, %s, greatest(%s, 0))"
                " ON CONFLICT (kind, network_digest, day)"
                " DO UPDATE SET count = greatest(booking_dailycount.count + %s, 0) RETURNING count",
                [kind, network_digest(network, day), day, by, by],
            )
            return cursor.fetchone()[0]


def network_digest(network: str, day: date) -> str:
    """HMAC-SHA256 with a key of the day, so that days cannot be joined."""
    day_key = hmac.digest(settings.SECRET_KEY.encode(), day.isoformat().encode(), "sha256")
    return hmac.digest(day_key, network.encode(), "sha256").hex()


class DailyCount(models.Model):
    kind = models.CharField(max_length=7, choices=Counted)
    network_digest = models.CharField(max_length=64)
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    objects = DailyCountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "network_digest", "day"], name="booking_daily_count_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.day}"
