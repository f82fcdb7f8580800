from django.core.management.base import CommandParser

from booking import actions
from booking.management.people import PersonCommand
from booking.models import Lookup
from revival.base.django_types import Passed


class Command(PersonCommand):
    help = "Take one person out of everything kept, and close their private links. Asks for their address."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--cancel-visits", action="store_true", help="also visits still to come; nobody is written to"
        )

    def act(self, lookup: Lookup, chosen: actions.Chosen, reason: str, options: dict[str, Passed]) -> None:
        rows = actions.erase_people(
            lookup=lookup, chosen=chosen, by=None, reason=reason, cancel_visits=options["cancel_visits"]
        )
        self.stdout.write(f"Erased from {rows} rows.")
