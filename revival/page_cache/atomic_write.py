"""Atomic file writes: a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_atomically(target: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace what is at `target` by `content`. Raises OSError, and leaves nothing behind then."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.chmod(file.name, mode)
            os.replace(file.name, target)
        except OSError:
            with suppress(OSError):
                os.unlink(file.name)
            raise
