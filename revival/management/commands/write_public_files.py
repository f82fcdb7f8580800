from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from booking.models import Clinic
from revival.page_cache.atomic_write import write_atomically
from revival.site import errors
from revival.site.context import remember_clinic

PAGES = {503: "503.html", 429: "too_quick.html", 400: "400.html"}


class Command(BaseCommand):
    help = "Write the error pages that nginx shows while the site is down, with the clinic's phone number and styles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="nginx's PUBLIC folder; created when it is missing")

    def handle(self, *, folder: Path, **options: object) -> None:
        remember_clinic(Clinic.objects.current())
        folder.mkdir(parents=True, exist_ok=True)
        for status, template in PAGES.items():
            page = errors.error_page(status, template=template, is_gone=True)
            write_atomically(folder / f"{status}.html", page.content, mode=0o644)
        shutil.copytree(settings.STATIC_ROOT, folder / "static", dirs_exist_ok=True)
        self.stdout.write(f"Wrote {len(PAGES)} pages and static files into {folder}.")
