"""Retention of sign-in data and of the desk's logs: deletes what is older than the settings allow."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice

from revival.models import Passkey, Phone

from . import two_factor

A_DAY = timedelta(days=1)


@transaction.atomic
def forget_old_sign_ins() -> None:
    """Delete failed sign-ins after a day, second factors of closed accounts, and sessions that ended.

    For the nightly job. Someone whose account is opened again enrolls anew.
    """
    since = timezone.now() - max(A_DAY, settings.AXES_COOLOFF_TIME)
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        model.objects.filter(attempt_time__lt=since).delete()
    for device in (Phone, StaticDevice, Passkey):
        device.objects.filter(Q(confirmed=False) | Q(user__is_active=False)).delete()
    two_factor.seal_keys()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def thin_logs() -> int:
    """Delete log lines older than LOG_KEEP_DAYS days, and return how many. The SQL function runs as the tables'
    owner, since this process may not delete lines, and never deletes lines of the last year."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT booking_thin_logs(%s)", [settings.LOG_KEEP_DAYS])
        count: int = cursor.fetchone()[0]
    return count
