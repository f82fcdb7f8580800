from typing import Any

from django.core.management.base import BaseCommand, CommandError

from revival.server.health import is_worker_late


class Command(BaseCommand):
    help = "Exit 0 when a worker has been heard of in the last minute, else 1."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_worker_late():
            raise CommandError("No worker has been heard of in the last minute; messages wait.", returncode=1)
        self.stdout.write("The worker is alive.")
