"""Copies of public pages as files, for nginx to show while no gunicorn process is running.

There is a folder for each revision of the content and each start of the code, and `now`, a link to the newest. The
thread that reads the revision changes the link before any request learns of the change. So nginx cannot show a
withdrawn page from the moment of the change, not only once somebody asks for it again; and while no process is left to
change the link, nobody can withdraw a page at the desk either. While an article is going to expire there is no link,
since no process may be left to change it then. A page is written to the folder when it is rendered.

Readers never get an error because of this: a full or missing folder costs only the copies.
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse

from .atomic_write import write_atomically

log = logging.getLogger(__name__)
NOW = "now"


def keep(path: str, name: str, response: HttpResponse) -> None:
    """Write the page at `path` to the folder `name` of its revision. Not feeds and sitemaps: programs ask again."""
    if not settings.LAST_PAGES_DIR or not path.endswith("/") or "text/html" not in response["Content-Type"]:
        return
    root = Path(settings.LAST_PAGES_DIR)
    folder = root / name / path.strip("/")
    if ".." in folder.parts:
        return
    try:
        make_open(folder, root)
        write_atomically(folder / "index.html", response.content, mode=0o644)
    except OSError as error:
        log.warning("no copy of a page for nginx: %s", type(error).__name__)


def turn_to(name: str | None) -> None:
    """Show only pages rendered at revision `name`; with None show none, as the newest revision is not known."""
    if not settings.LAST_PAGES_DIR:
        return
    root = Path(settings.LAST_PAGES_DIR)
    try:
        make_open(root / (name or ""), root)
        if name is None:
            (root / NOW).unlink(missing_ok=True)
        else:
            half = root / f"{NOW}-{os.getpid()}"
            half.unlink(missing_ok=True)
            half.symlink_to(name)
            os.replace(half, root / NOW)
        for other in root.iterdir():
            if other.is_dir() and not other.is_symlink() and other.name != name:
                shutil.rmtree(other, ignore_errors=True)
    except OSError as error:
        log.warning("nginx's copies cannot follow the content and are taken away: %s", type(error).__name__)
        with suppress(OSError):
            (root / NOW).unlink(missing_ok=True)


def make_open(folder: Path, root: Path) -> None:
    """Make the folder and those up to `root`, readable for nginx whatever our umask is."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        folder.chmod(0o755)
        if folder == root:
            return
        folder = folder.parent
