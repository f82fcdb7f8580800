from django.core.management.base import BaseCommand, CommandError

from revival.server.health import is_worker_late


class Command(BaseCommand):
    help = "Exit with 0 if a worker sent a heartbeat in the last minute, else with 1."

    def handle(self, *args: object, **options: object) -> None:
        if is_worker_late():
            raise CommandError("No worker sent a heartbeat in the last minute; messages wait.", returncode=1)
        self.stdout.write("The worker is alive.")
