"""AccessLog: which colleague looked at which patient's row, and when. Rows are added and never changed."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone

from revival.base.desk_parts.staff_request import StaffUser


class Look(models.TextChoices):
    OPENED = "opened", "Opened"
    LIST = "list", "List"
    SEARCH = "search", "Search"
    FIRST_PAGE = "first-page", "First page"
    CALENDAR = "calendar", "Calendar"
    DAY_SHEET = "day-sheet", "Day sheet"
    EXPORT = "export", "Export of a person"
    ERASE = "erase", "Erasure of a person"


NOTE_LOOK = "SELECT * FROM booking_note_look(%s, %s, %s, %s, %s, %s)"


class AccessLogQuerySet(models.QuerySet["AccessLog"]):
    def note(
        self,
        user: StaffUser | AnonymousUser | None,
        what: Look,
        *,
        about: str = "",
        number: int | None = None,
        reason: str = "",
    ) -> AccessLog:
        """Write down one look, at the moment the database has. `user` is None for a command.

        `number` is an id, never a name. By a function of the tables' owner, since the web role may not insert.
        """
        by = (user.pk, user.get_username()) if user else (None, "command line")
        line: AccessLog = self.raw(NOTE_LOOK, [*by, str(what), about, number, reason])[0]
        return line


class AccessLog(models.Model):
    """One look. It outlives both the user and the row it names, so no constraint points at either."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    username = models.CharField("who", max_length=150)
    what = models.CharField(max_length=10, choices=Look)
    about = models.CharField("of", max_length=20, blank=True)
    number = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    objects = AccessLogQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name, verbose_name_plural = "look at patients’ data", "looks at patients’ data"
        permissions = [("export_and_erase", "Can give a person what is kept of them, and erase it")]
        constraints = [
            models.CheckConstraint(
                name="booking_access_log_what_is_known",
                condition=models.Q(what__in=Look.values),
                violation_error_message="Choose one of the kinds.",
            ),
        ]

    def __str__(self) -> str:
        return f"Look {self.pk}"
