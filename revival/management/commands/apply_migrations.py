from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

LOCK_TIMEOUT_MS = 400
"""Whoever waits for a table makes all who come after wait, too: so a guest waits no longer than this.

One busy table a migration: one that has the visits and waits for the messages meets a worker that has a message and
waits for its visit. Neither goes on, and only luck ends it (seen: 10 to 40 tries in place of a few)."""
TRIES, SECONDS_BETWEEN = 120, 1.0
LOCK_NOT_AVAILABLE = "55P03"


class Command(BaseCommand):
    help = (
        "Migrate while the site is running: a migration that does not get its table at once steps back, lets the "
        "guests through, and tries again. Each migration is applied as a whole or not at all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lock-timeout", type=int, default=LOCK_TIMEOUT_MS, help="milliseconds; 0 waits for ever")

    def handle(self, *, lock_timeout: int, verbosity: int, **options: Any) -> None:
        given = connection.settings_dict["OPTIONS"]
        given["options"] = f"{given.get('options', '')} -c lock_timeout={lock_timeout}".strip()
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        for tries in range(1, TRIES + 1):
            try:
                call_command("migrate", interactive=False, verbosity=verbosity)
                self.stdout.write(f"All migrations are applied (try {tries}).")
                return
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                    raise
                time.sleep(SECONDS_BETWEEN)
        raise CommandError(f"A table was in use at each of {TRIES} tries. Look for a transaction that does not end.")
