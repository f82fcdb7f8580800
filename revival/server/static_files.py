"""Staticfiles finder that joins the style sheets in static/css into one, `css/site.css`.

Browsers fetch one file, the source has four. Works the same for collectstatic and for runserver.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage
from django.core.files.storage import FileSystemStorage

NAME = "css/site.css"
PARTS = ("tokens", "base", "layout", "components")
SEPARATOR = re.compile(r"\s*([{};,])\s*")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class StyleSheetFinder(BaseFinder):
    """Finds the joined style sheet, written anew when a part has changed."""

    def __init__(self, app_names: Iterable[str] | None = None, *args: object, **kwargs: object) -> None:
        self.source = Path(settings.STATICFILES_DIRS[0]) / "css"
        self.folder = settings.BASE_DIR / ".run" / "static"
        self.storage = FileSystemStorage(location=self.folder)
        self.storage.prefix = ""  # type: ignore[attr-defined]  # collectstatic reads it

    def check(self, **kwargs: object) -> list[CheckMessage]:
        return []

    # Any: Django's own signature has two overloads, by the value of `find_all`.
    def find(self, path: str, find_all: bool = False, **kwargs: object) -> Any:
        if path != NAME:
            return []
        sheet = str(self._write())
        return [sheet] if find_all else sheet

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        self._write()
        yield NAME, self.storage

    def _write(self) -> Path:
        target = self.folder / NAME
        text = join_parts(self.source)
        if not target.exists() or target.read_text() != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return target


def join_parts(folder: Path) -> str:
    """The parts in order, minified; missing parts are left out."""
    parts = (folder / f"{name}.css" for name in PARTS)
    return "".join(minify(part.read_text()) for part in parts if part.exists())


def minify(css: str) -> str:
    """The style sheet without comments, and without the spaces and lines that only people need. No text in quotes
    may have one of the signs of SEPARATOR."""
    return SEPARATOR.sub(r"\1", COMMENT.sub("", css)).replace(";}", "}").strip()
