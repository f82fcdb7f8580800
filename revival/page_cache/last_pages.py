"""Public pages as files, for nginx to show while all of gunicorn is gone.

A folder for each revision of the content and each start of the code, and `now`, a link to the newest. The thread that
reads the revision turns the link before any request learns of the change. So a page that was withdrawn is out of
nginx's sight with the change that withdrew it, not when somebody next asks for it; and while no process is left to
turn the link, nobody can withdraw a page at the desk either. While an article is going to expire there is no link,
since nobody may be left to turn it then. A page comes into the folder when it is rendered.

Nothing here may cost a reader anything: a folder that is full or missing costs the copies alone.
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse

from .atomic_write import write_whole

log = logging.getLogger(__name__)
NOW = "now"


def keep(path: str, name: str, response: HttpResponse) -> None:
    """The page at `path`, in the folder `name` of its revision; feeds and maps are for machines, which come again."""
    if not settings.LAST_PAGES_DIR or not path.endswith("/") or "text/html" not in response["Content-Type"]:
        return
    root = Path(settings.LAST_PAGES_DIR)
    folder = root / name / path.strip("/")
    if ".." in folder.parts:
        return
    try:
        make_open(folder, root)
        write_whole(folder / "index.html", response.content, mode=0o644)
    except OSError as error:
        log.warning("no copy of a page for nginx: %s", type(error).__name__)


def turn_to(name: str | None) -> None:
    """Show what was rendered of this revision alone; nothing, when nobody knows which is the newest."""
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
    """The folder, with those between it and `root`, which nginx may enter whatever our umask is."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        folder.chmod(0o755)
        if folder == root:
            return
        folder = folder.parent
