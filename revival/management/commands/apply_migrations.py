from __future__ import annotations

import time

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

LOCK_TIMEOUT_MS = 400
"""Longest wait for a table. Every query that comes after a waiting migration waits behind it, so visitors wait no
longer than this.

A migration should lock one busy table only. One that holds the visits and waits for the messages deadlocks with a
worker that holds a message and waits for its visit (seen: 10 to 40 tries in place of a few)."""
TRIES, SECONDS_BETWEEN = 120, 1.0
LOCK_NOT_AVAILABLE = "55P03"


class Command(BaseCommand):
    help = (
        "Migrate while the site is running. A migration that does not get its table at once gives up, so that requests "
        "go on, and is tried again. Each migration is applied as a whole or not at all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lock-timeout", type=int, default=LOCK_TIMEOUT_MS, help="milliseconds; 0 waits without limit"
        )

    def handle(self, *, lock_timeout: int, verbosity: int, **options: object) -> None:
        driver_options = connection.settings_dict["OPTIONS"]
        driver_options["options"] = f"{driver_options.get('options', '')} -c lock_timeout={lock_timeout}".strip()
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
