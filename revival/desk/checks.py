"""What `check --deploy` asks of this site beyond Django's own questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections

from revival.database import grants
from revival.database.log_settings import LOG_SETTINGS

SHORTEST_KEY = 40  # characters


@register(Tags.database, deploy=True)
def patients_stay_out_of_the_servers_log(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Read back what deploy/postgres.sql gives the role (needs `--database default`)."""
    return [
        checks.Warning(
            f"PostgreSQL runs with {name}={found}, so its log may hold patients' data.",
            hint=f"Give the role {name}={wanted}, as deploy/postgres.sql does.",
            id="revival.W001",
        )
        for alias in databases or []
        for name, wanted in LOG_SETTINGS.items()
        if (found := read_setting(alias, name)) != wanted
    ]


def read_setting(alias: str, name: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        value: str = cursor.fetchone()[0]
    return value


@register(Tags.database, deploy=True)
def no_example_stands_in_for_the_clinics_own(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Example services and hours are never offered in production, so their therapists cannot be booked."""
    if not databases or not settings.IS_PRODUCTION:
        return []
    from booking.models import Service, Shift  # apps are not ready when this module loads

    try:
        examples = (model.objects.filter(is_example=True) for model in (Service, Shift))
        found = [rows.model._meta.verbose_name_plural for rows in examples if rows.exists()]
    except DatabaseError:  # not migrated yet
        return []
    return [
        checks.Warning(
            f"There are example {name}; nobody can book them in production.",
            hint="Enter the clinic's own at the desk and delete the examples.",
            id="revival.W005",
        )
        for name in found
    ]


@register(Tags.database, deploy=True)
def the_web_role_only_adds_to_logs(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Whoever owns a log, or can change its rows, can take a line out of it."""
    writable = [log for alias in databases or [] for log in logs_that_can_be_changed(alias)]
    if not writable:
        return []
    return [
        checks.Warning(
            f"The site's database role can change or delete lines of {len(writable)} logs, such as {writable[0]}.",
            hint="Give it a role that owns no table: README, Configuration, OWNER_DATABASE_URL.",
            id="revival.W004",
        )
    ]


def logs_that_can_be_changed(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        return [log for log in grants.log_tables(cursor) if can_change(cursor, log)]


def can_change(cursor: Any, table: str) -> bool:
    cursor.execute(
        "SELECT has_table_privilege(%s, 'UPDATE, DELETE, TRUNCATE') OR pg_has_role(relowner, 'MEMBER')"
        " FROM pg_class WHERE oid = %s::regclass",
        [table, table],
    )
    return bool(cursor.fetchone()[0])


@register(Tags.security, deploy=True)
def links_in_mail_lead_here(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.SITE_URL.startswith("https://"):
        return []
    return [
        Error(
            f"SITE_URL is {settings.SITE_URL}; links in mail and search engines would lead there.",
            hint="Set SITE_URL to the site's public https address.",
            id="revival.E001",
        )
    ]


@register(Tags.security, deploy=True)
def mail_reaches_someone(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
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
def a_password_alone_opens_nothing(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.TWO_FACTOR_REQUIRED:
        return []
    return [
        checks.Warning(
            "TWO_FACTOR_REQUIRED is off: whoever learns one password reads every patient's data.",
            hint="Leave it unset, and all staff set up a code from their phone.",
            id="revival.W003",
        )
    ]


@register(Tags.security, deploy=True)
def keys_are_long_and_two(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if len(settings.LINK_KEY) >= SHORTEST_KEY and settings.LINK_KEY != settings.SECRET_KEY:
        return []
    return [
        Error(
            "LINK_KEY opens every visit's private page: it has to be long, random and not SECRET_KEY.",
            hint='python -c "import secrets; print(secrets.token_urlsafe(50))" makes one.',
            id="revival.E002",
        )
    ]
