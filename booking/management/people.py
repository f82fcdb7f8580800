"""Base of the commands about one person: asks for the address, since an argument would stay in the shell's history."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from booking import actions
from revival.base.django_types import Passed

WHY_NOT: dict[type[Exception], str] = {
    actions.UnknownPersonError: "Nothing is kept of anyone with that e-mail address or phone.",
    actions.StillComingError: "A visit is still to come: tell them, then use --cancel-visits.",
    actions.NamesThePersonError: "The reason is kept in the log for years: say it without naming the person.",
    actions.BusyError: "The database is busy; try again in a moment.",
}


class PersonCommand(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="kept in the access log; name nobody in it")

    def handle(self, *, reason: str, **options: Passed) -> None:
        if not reason.strip() or len(reason) > 200:
            raise CommandError("Give a reason of at most 200 characters.")
        person = actions.Person(email=self.ask("Their e-mail address"), phone=self.ask("Their phone"))
        if not person.email and not person.phone:
            raise CommandError("Give an e-mail address or a phone number.")
        try:
            self.act(person, reason, options)
        except actions.RefusalError as refusal:
            raise CommandError(WHY_NOT.get(type(refusal), type(refusal).__name__)) from None

    def ask(self, question: str) -> str:
        self.stderr.write(f"{question} (or nothing): ", ending="")
        self.stderr.flush()
        return sys.stdin.readline().strip()

    def act(self, person: actions.Person, reason: str, options: dict[str, Passed]) -> None:
        raise NotImplementedError
