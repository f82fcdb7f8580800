"""Files that nobody ever reads half of."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(target: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` in place of what is at `target`. Raises OSError, and leaves nothing behind then."""
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
