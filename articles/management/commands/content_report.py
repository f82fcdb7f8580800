"""Print the content report; the exit code is 1 if a link is dead."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from articles.content_report import ReportPart, check_outside_links, content_report, has_dead_links
from revival.base.django_types import Passed


class Command(BaseCommand):
    help = "List due reviews, questions without approval, unknown citations and dead links. Changes no page."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--network",
            action="store_true",
            help="also check each link to another site, and store the results",
        )

    def handle(self, *, network: bool, **options: Passed) -> None:
        if network:
            check_outside_links(timezone.now())
        parts = content_report(timezone.now())
        for part in parts:
            self._print(part)
        if has_dead_links(parts):
            self.stderr.write("At least one link is dead.")
            sys.exit(1)

    def _print(self, part: ReportPart) -> None:
        self.stdout.write(f"{part.title}: {len(part.lines) or 'none'}")
        if part.note:
            self.stdout.write(f"  {part.note}")
        for line in part.lines:
            self.stdout.write(f"  {line.subject}. {line.reason}")
