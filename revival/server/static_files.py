"""One style sheet for the pages: `css/site.css` is the parts of static/css in their order.

A reader fetches one file, we keep four. Works the same for collectstatic and for runserver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

NAME = "css/site.css"
PARTS = ("tokens", "base", "layout", "components")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class StyleSheetFinder(BaseFinder):
    """Writes the sheet when it is asked for, if a part is newer."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        self.source = Path(settings.STATICFILES_DIRS[0]) / "css"
        self.folder = settings.BASE_DIR / ".run" / "static"
        self.storage = FileSystemStorage(location=self.folder)
        self.storage.prefix = ""  # type: ignore[attr-defined]  # collectstatic asks for it

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path != NAME:
            return []
        written = str(self._write())
        return [written] if find_all else written

    def list(self, ignore_patterns: Any) -> Iterator[Any]:
        self._write()
        yield NAME, self.storage

    def check(self, **kwargs: Any) -> Any:
        return []

    def _write(self) -> Path:
        target = self.folder / NAME
        text = joined(self.source)
        if not target.exists() or target.read_text() != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return target


def joined(folder: Path) -> str:
    """The parts in order, without comments and indentation; parts not there yet are left out."""
    parts = (folder / f"{name}.css" for name in PARTS)
    return "".join(smaller(part.read_text()) for part in parts if part.exists())


def smaller(css: str) -> str:
    lines = (line.strip() for line in COMMENT.sub("", css).splitlines())
    return "".join(f"{line}\n" for line in lines if line)
