"""System checks for `manage.py check --deploy`, in addition to Django's own."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import DatabaseError, connections
from django.db.backends.utils import CursorWrapper

from booking.time.quiet_hours import HOURS_A_DAY
from revival.base.verp import LONGEST_LOCAL_PART
from revival.database import grants
from revival.database.log_settings import LOG_SETTINGS

AppConfigs = Sequence[AppConfig] | None


@register(Tags.database, deploy=True)
def check_log_settings(
    app_configs: AppConfigs, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """W001: PostgreSQL's log settings, as deploy/postgres.sql sets them for the role (needs `--database default`)."""
    return [
        checks.Warning(
            f"PostgreSQL runs with {name}={value}, so its log may hold patients' data.",
            hint=f"Give the role {name}={required_value}, as deploy/postgres.sql does.",
            id="revival.W001",
        )
        for alias in databases or []
        for name, required_value in LOG_SETTINGS.items()
        if (value := read_setting(alias, name)) != required_value
    ]


def read_setting(alias: str, name: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        value: str = cursor.fetchone()[0]
    return value


@register(Tags.security, deploy=True)
def check_mail_server(app_configs: AppConfigs, **kwargs: object) -> list[CheckMessage]:
    """W002: a mail server, without which messages are only written to files."""
    if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        return []
    return [
        checks.Warning(
            "There is no mail server: messages to patients are written to files and reach nobody.",
            hint="Set EMAIL_URL, for instance smtp+tls://user:password@host:587.",
            id="revival.W002",
        )
    ]


@register(Tags.security, deploy=True)
def check_two_factor(app_configs: AppConfigs, **kwargs: object) -> list[CheckMessage]:
    """W003: a second factor for all staff."""
    if settings.TWO_FACTOR_REQUIRED:
        return []
    return [
        checks.Warning(
            "TWO_FACTOR_REQUIRED is off: anyone who learns one password can read every patient's data.",
            hint="Leave it unset, and all staff set up a code from their phone.",
            id="revival.W003",
        )
    ]


@register(Tags.database, deploy=True)
def check_log_rights(
    app_configs: AppConfigs, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """W004: rights of the site's database role on the logs. It must not own them, nor add or change lines."""
    writable = [log for alias in databases or [] for log in find_writable_logs(alias)]
    if not writable:
        return []
    return [
        checks.Warning(
            f"The site's database role can write or change lines of {len(writable)} logs, such as {writable[0]}.",
            hint="Give it a role that owns no table: docs/operations.md, Two database roles.",
            id="revival.W004",
        )
    ]


def find_writable_logs(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        return [log for log in grants.log_tables(cursor) if can_change_lines(cursor, log)]


def can_change_lines(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute(
        "SELECT has_table_privilege(%s, 'INSERT, UPDATE, DELETE, TRUNCATE') OR pg_has_role(relowner, 'MEMBER')"
        " FROM pg_class WHERE oid = %s::regclass",
        [table, table],
    )
    return bool(cursor.fetchone()[0])


@register(Tags.database, deploy=True)
def check_example_data(
    app_configs: AppConfigs, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """W005: example services and hours, which are never offered in production."""
    if not databases or not settings.IS_PRODUCTION:
        return []
    from booking.models import Service, Shift  # apps are not ready when this module loads

    try:
        examples = (model.objects.filter(is_example=True) for model in (Service, Shift))
        names = [rows.model._meta.verbose_name_plural for rows in examples if rows.exists()]
    except DatabaseError:  # not migrated yet
        return []
    return [
        checks.Warning(
            f"There are example {name}; nobody can book them in production.",
            hint="Enter the clinic's own at the desk and delete the examples.",
            id="revival.W005",
        )
        for name in names
    ]


@register(Tags.database, deploy=True)
def check_clinic_email(
    app_configs: AppConfigs, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """W006: the clinic's mailbox, where replies to its mails go (needs `--database default`)."""
    if not databases:
        return []
    from booking.models import Clinic  # apps are not ready when this module loads

    try:
        has_no_mailbox = Clinic.objects.filter(email="").exists()
    except DatabaseError:  # not migrated yet
        return []
    if not has_no_mailbox:
        return []
    return [
        checks.Warning(
            "The clinic has no e-mail address: patients cannot reply to its mails, which say so.",
            hint="Enter one that somebody reads, under Clinic at the desk.",
            id="revival.W006",
        )
    ]


@register(Tags.security, deploy=True)
def check_site_url(app_configs: AppConfigs, **kwargs: object) -> list[CheckMessage]:
    """E001: SITE_URL, with which links in mail and for search engines begin, is an https address."""
    if settings.SITE_URL.startswith("https://"):
        return []
    return [
        Error(
            f"SITE_URL is {settings.SITE_URL}; links in mail and search engines would lead there.",
            hint="Set SITE_URL to the site's public https address.",
            id="revival.E001",
        )
    ]


@register()
def check_quiet_hours(app_configs: AppConfigs, **kwargs: object) -> list[CheckMessage]:
    """E003: the quiet hours are hours of a day, and leave some in which offers are sent."""
    first, last = settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR
    are_hours = all(0 <= hour <= HOURS_A_DAY for hour in (first, last))
    if are_hours and (first, last) != (0, HOURS_A_DAY):
        return []
    return [
        Error(
            f"Quiet hours from {first} until {last} are no hours of a day, or leave none in which an offer is sent.",
            hint="Set BOOKING_QUIET_FROM_HOUR and BOOKING_QUIET_UNTIL_HOUR from 0 to 24, not to the whole day.",
            id="revival.E003",
        )
    ]


@register()
def check_bounce_address(app_configs: AppConfigs, **kwargs: object) -> list[CheckMessage]:
    """E004: BOUNCE_ADDRESS, from which each mail's envelope sender is made, is empty or an address with room for that.

    With any other, the mail server would refuse every mail.
    """
    if not settings.BOUNCE_ADDRESS:
        return []
    try:
        validate_email(settings.BOUNCE_ADDRESS)
        is_good = len(settings.BOUNCE_ADDRESS.rpartition("@")[0]) <= LONGEST_LOCAL_PART
    except ValidationError:
        is_good = False
    if is_good:
        return []
    return [
        Error(
            f"BOUNCE_ADDRESS is {settings.BOUNCE_ADDRESS}; no mail could be sent with it.",
            hint=f"Set it to an address with at most {LONGEST_LOCAL_PART} characters before the @, or leave it unset.",
            id="revival.E004",
        )
    ]
