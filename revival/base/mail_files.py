"""E-mail backend of a trial copy: each e-mail is a file that only its owner can read, since it holds private links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.mail.backends import filebased

from .own_files import open_own_file, own_folder


class EmailBackend(filebased.EmailBackend):
    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: passed on to Django's backend
        super().__init__(*arguments, **options)
        own_folder(Path(self.file_path))

    def open(self) -> bool:
        if self.stream is not None:
            return False
        self.stream = open(self._get_filename(), "ab", opener=open_own_file)  # type: ignore[assignment]  # noqa: SIM115
        return True
