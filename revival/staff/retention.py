"""What is kept besides patients' rows, and for how long: what signing in leaves behind, and the desk's logs."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

A_DAY = timedelta(days=1)


@transaction.atomic
def forget_old_sign_ins() -> None:
    """Who mistyped a password, a day after; the second factor of people who left; sessions that ended.

    For the nightly job. Someone who comes back after leaving enrolls anew.
    """
    since = timezone.now() - max(A_DAY, settings.AXES_COOLOFF_TIME)
    for kept in (AccessAttempt, AccessFailureLog, AccessLog):
        kept.objects.filter(attempt_time__lt=since).delete()
    for device in (TOTPDevice, StaticDevice):
        device.objects.filter(Q(confirmed=False) | Q(user__is_active=False)).delete()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def thin_logs() -> int:
    """Delete lines older than LOG_KEEP_DAYS, and return how many. The function runs as the tables' owner, since
    this process may not delete a line; it keeps a year whatever it is told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT booking_thin_logs(%s)", [settings.LOG_KEEP_DAYS])
        count: int = cursor.fetchone()[0]
    return count
