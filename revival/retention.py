"""What is kept besides patients' rows, and for how long: sessions, wrong passwords, the desk's logs."""

from __future__ import annotations

from datetime import timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

WRONG_PASSWORDS = timedelta(days=2)


def forget_the_rest() -> None:
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    AccessAttempt.objects.filter(attempt_time__lt=now - WRONG_PASSWORDS).delete()
    thin_logs()


def thin_logs() -> int:
    """Delete lines older than LOG_KEEP_DAYS, and return how many. The function runs as the tables' owner, since
    this process may not delete a line; it keeps a year whatever it is told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT booking_thin_logs(%s)", [settings.LOG_KEEP_DAYS])
        count: int = cursor.fetchone()[0]
    return count
