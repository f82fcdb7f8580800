from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from revival.database import grants


class Command(BaseCommand):
    help = (
        "Grant the web and worker processes' database role its rights; run as the tables' owner after each migration."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role")

    def handle(self, *, role: str, verbosity: int, **options: object) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                grants.grant(cursor, role)
        except grants.UnfitRoleError as error:
            raise CommandError(str(error)) from None
        if verbosity:
            self.stdout.write(f"{role} reads and writes rows, and reads the logs, which the database writes.")
