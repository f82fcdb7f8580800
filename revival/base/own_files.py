"""Folders and files that only their owner can open, and that nobody else can have made first."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def own_folder(path: Path) -> Path:
    """Make a folder that only we can enter, or close one of ours to others.

    Raises PermissionError when it is somebody else's, or a link: whoever made it could read what is put there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    refuse_foreign(path, os.geteuid())
    path.chmod(0o700)
    return path


def refuse_foreign(path: Path, user: int) -> None:
    """Raise PermissionError unless this is a folder, no link, that belongs to the user with this number."""
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user:
        raise PermissionError(1, "is a link, or belongs to another user", str(path))


def close_files(folder: Path) -> None:
    """Close a folder of ours, and the files in it, to others."""
    for file in own_folder(folder).iterdir():
        if file.is_file() and not file.is_symlink():
            file.chmod(0o600)


def open_own_file(path: Path | str, flags: int) -> int:
    """`os.open` for a file that only we can read, following no link; also as `opener` of `open`."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
