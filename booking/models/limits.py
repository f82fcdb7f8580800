"""DailyCount: how often a network has booked, or an address was mailed, today, without saying which it was."""

from __future__ import annotations

import hmac
from datetime import date

from django.conf import settings
from django.db import connection, models
from django.db.models import F


class Counted(models.TextChoices):
    BOOKING = "booking", "Bookings"
    HOLD = "hold", "Open holds"
    ASK = "ask", "Contact requests and waiting-list entries"
    CLEAR = "clear", "Answers to “Was this clear?”"
    MAIL = "mail", "E-mails to an address that nobody has proved to be theirs"


class DailyCountQuerySet(models.QuerySet["DailyCount"]):
    def add(self, *, kind: Counted, subject: str, day: date, limit: int) -> bool:
        """Count once more unless the day's limit is reached, in one statement. Returns whether it was counted."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO booking_dailycount AS present (kind, network_digest, day, count)"
                " SELECT %(kind)s, %(digest)s, %(day)s, 1 WHERE %(limit)s > 0"
                " ON CONFLICT (kind, network_digest, day)"
                " DO UPDATE SET count = present.count + 1 WHERE present.count < %(limit)s RETURNING count",
                {"kind": kind, "digest": digest_of(subject, day), "day": day, "limit": limit},
            )
            return cursor.fetchone() is not None

    def take_back(self, *, kind: Counted, subject: str, day: date) -> None:
        """Count one less; never below zero."""
        self.filter(kind=kind, digest=digest_of(subject, day), day=day, count__gt=0).update(count=F("count") - 1)


def digest_of(subject: str, day: date) -> str:
    """HMAC-SHA256 of a network or an e-mail address with a key of the day, so that days cannot be joined."""
    day_key = hmac.digest(settings.SECRET_KEY.encode(), day.isoformat().encode(), "sha256")
    return hmac.digest(day_key, subject.encode(), "sha256").hex()


class DailyCount(models.Model):
    kind = models.CharField(max_length=7, choices=Counted)
    digest = models.CharField(max_length=64, db_column="network_digest")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    objects = DailyCountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "digest", "day"], name="booking_daily_count_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.day}"
