"""Base of the commands about people: asks for the address, since an argument would stay in the shell's history."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from booking import actions
from booking.models import FoundPerson, Lookup
from revival.base.bidi import isolate
from revival.base.django_types import Passed

WHY_NOT: dict[type[Exception], str] = {
    actions.UnknownPersonError: "Nothing is kept of anyone with that e-mail address or phone.",
    actions.ChangedMeanwhileError: "Something of theirs changed meanwhile. Nothing was done; run it again.",
    actions.StillComingError: "A visit is still to come: tell them, then use --cancel-visits.",
    actions.NamesThePersonError: "The reason is kept in the log for years: say it without naming the person.",
    actions.BusyError: "The database is busy; try again in a moment.",
}


class PersonCommand(BaseCommand):
    """Finds people, prints whose rows would be touched, and acts on those that are chosen; without --yes on nobody."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="kept in the access log; name nobody in it")
        parser.add_argument("--yes", action="store_true", help="act; without it the people found are only listed")

    def handle(self, *, reason: str, yes: bool, **options: Passed) -> None:
        if not reason.strip() or len(reason) > 200:
            raise CommandError("Give a reason of at most 200 characters.")
        lookup = self.ask_whom()
        people = lookup.people()
        if not people:
            raise CommandError(WHY_NOT[actions.UnknownPersonError])
        for number, person in enumerate(people, start=1):
            self.stderr.write(f"{number}. {words_of(person)}")
        if not yes:
            raise CommandError("Nothing was done. To act, run it again with --yes.")
        chosen = {person.id: person.version for person in self.ask_which(people)}
        try:
            self.act(lookup, chosen, reason, options)
        except actions.RefusalError as refusal:
            raise CommandError(WHY_NOT.get(type(refusal), type(refusal).__name__)) from None

    def ask_whom(self) -> Lookup:
        lookup = Lookup(email=self.ask("Their e-mail address"), phone=self.ask("Their phone"))
        if not lookup.email and not lookup.phone:
            raise CommandError("Give an e-mail address or a phone number.")
        if not lookup.is_readable:
            raise CommandError("Give the whole phone number, with its area code.")
        return lookup

    def ask_which(self, people: list[FoundPerson]) -> list[FoundPerson]:
        """The people whose numbers are typed; the only one without a question."""
        if len(people) == 1:
            return people
        numbers = self.ask("Which of them, by number").split()
        if not numbers or not all(number.isdecimal() and 1 <= int(number) <= len(people) for number in numbers):
            raise CommandError("Nothing was done. Type the numbers of the people, with spaces between them.")
        return [people[int(number) - 1] for number in numbers]

    def ask(self, question: str) -> str:
        self.stderr.write(f"{question} (or nothing): ", ending="")
        self.stderr.flush()
        return sys.stdin.readline().strip()

    def act(self, lookup: Lookup, chosen: actions.Chosen, reason: str, options: dict[str, Passed]) -> None:
        raise NotImplementedError


def words_of(person: FoundPerson) -> str:
    """One line: name, patient, number of rows of each kind, and the addresses in them."""
    patient = f", for {isolate(person.patient_name)}" if person.patient_name else ""
    counts = f"visits {len(person.visits)}, waiting list {len(person.entries)}, to call {len(person.contact_requests)}"
    addresses = ", ".join(map(isolate, [*person.emails, *person.phones]))
    return f"{isolate(person.name)}{patient}: {counts}; {addresses}"
