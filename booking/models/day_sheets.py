"""DaySheet: one e-mail to the clinic with the visits of one day, in case the site cannot be reached then."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q

from revival.base.mail import Mail


class Edition(models.TextChoices):
    EVENING = "evening", "The evening before"
    MORNING = "morning", "In the morning"


LEAVES = {Edition.EVENING: (-1, time(18)), Edition.MORNING: (0, time(6))}
"""By edition: days from the day the sheet is about, and clinic time, at which it is sent."""
STILL_OF_USE = timedelta(hours=6)


class DaySheet(Mail):
    """A day sheet as it was sent: when and to whom, never its content."""

    day = models.DateField()
    edition = models.CharField(max_length=7, choices=Edition)

    class Meta:
        ordering = ["-day", "edition"]
        constraints = [
            models.UniqueConstraint(
                name="booking_day_sheet_is_written_once",
                fields=["day", "edition"],
                violation_error_message="This day sheet was written before.",
            ),
            models.CheckConstraint(
                name="booking_day_sheet_edition_is_known",
                condition=Q(edition__in=Edition.values),
                violation_error_message="Choose one of the editions.",
            ),
            models.CheckConstraint(
                name="booking_day_sheet_delivery_is_known",
                condition=Q(delivery__in=Mail.Delivery.values),
                violation_error_message="Choose one of the delivery states.",
            ),
            models.CheckConstraint(
                name="booking_day_sheet_sent_says_when_and_to_whom",
                condition=~Q(delivery="sent") | (Q(sent_at__isnull=False) & ~Q(recipient="")),
                violation_error_message="A sent day sheet says when it was sent, and to whom.",
            ),
        ]

    def __str__(self) -> str:
        return f"Day sheet of {self.day}, {self.get_edition_display().lower()}"

    def leaves_at(self, zone: ZoneInfo) -> datetime:
        days, clock = LEAVES[Edition(self.edition)]
        return datetime.combine(self.day + timedelta(days=days), clock, zone)

    def is_of_use(self, now: datetime, zone: ZoneInfo) -> bool:
        return now < self.leaves_at(zone) + STILL_OF_USE
