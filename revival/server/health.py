"""Health of the site: database, migrations, background worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

LATE_AFTER = timedelta(seconds=60)  # the worker writes its heartbeat every ten seconds

_is_migrated = False


def find_problems() -> list[str]:
    """Reasons why this process cannot serve, one line each; empty when it is ready. Takes 3 s at most."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return [] if is_migrated() else ["migrations: not all applied"]
    except Exception as error:
        return [f"database: {type(error).__name__}"]


def is_migrated() -> bool:
    """Whether all migrations are applied. Not checked again after a yes: none is reversed under a running process."""
    global _is_migrated
    if not _is_migrated:
        applied = MigrationRecorder(connection).applied_migrations()
        _is_migrated = all(migration in applied for migration in migrations_on_disk())
    return _is_migrated


def migrations_on_disk() -> Iterator[tuple[str, str]]:
    """App and name of each migration, by its file: Django's own plan imports them all, which takes 4 MB for good."""
    for app in apps.get_app_configs():
        for module in iter_modules([str(Path(app.path) / "migrations")]):
            if not module.ispkg and module.name[0] not in "_~":  # as Django looks for them
                yield app.label, module.name


def is_worker_late() -> bool:
    """Whether the worker has written no heartbeat for LATE_AFTER; true also when there is no worker at all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(last_heartbeat) FROM procrastinate_workers")
        seen_at = cursor.fetchone()[0]
    return seen_at is None or seen_at < timezone.now() - LATE_AFTER
