"""What on the public pages needs somebody's eye. Exit code 1 when a link is dead."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from articles.content_report import Part, content_report, is_anything_dead, look_outside


class Command(BaseCommand):
    help = "Reviews that are due, what awaits approval, citations and links that lead nowhere. Changes no page."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--network",
            action="store_true",
            help="also ask each address outside the site whether it still answers, and keep what was found",
        )

    def handle(self, *, network: bool, **options: Any) -> None:
        if network:
            look_outside(timezone.now())
        parts = content_report(timezone.now())
        for part in parts:
            self._say(part)
        if is_anything_dead(parts):
            self.stderr.write("At least one link is dead.")
            sys.exit(1)

    def _say(self, part: Part) -> None:
        self.stdout.write(f"{part.title}: {len(part.lines) or 'none'}")
        if part.note:
            self.stdout.write(f"  {part.note}")
        for line in part.lines:
            self.stdout.write(f"  {line.what}. {line.why}")
