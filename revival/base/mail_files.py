"""E-mail backend of a trial copy: each e-mail is a file that only its owner can read, since it holds private links."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.mail.backends import filebased

from .own_files import open_own_file, own_folder


class EmailBackend(filebased.EmailBackend):
    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: passed on to Django's backend
        super().__init__(*arguments, **options)
        own_folder(Path(self.file_path))

    def _get_filename(self) -> str:
        """The file that Django opens next, which exists by then and is closed to others."""
        name: str = super()._get_filename()  # type: ignore[misc]  # its types leave out what begins with _
        os.close(open_own_file(name, os.O_WRONLY | os.O_CREAT))
        return name
