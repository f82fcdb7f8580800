"""Random secret keys of a trial copy: made once for each data folder, and kept there for its owner alone."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from revival.base.own_files import open_own_file, own_folder

NAMES = ("SECRET_KEY", "LINK_KEY")


def put_into_environment(folder: Path) -> None:
    """Set the keys that the environment lacks to those of the data folder `folder`."""
    for name in NAMES:
        if not os.environ.get(name):
            os.environ[name] = key_of(folder, name)


def key_of(folder: Path, name: str) -> str:
    """The folder's key of this name, made on first use."""
    path = own_folder(folder / "keys") / name
    if not path.exists():
        new = path.with_name(f".{name}-{secrets.token_hex(8)}")
        with open(new, "x", opener=open_own_file) as file:
            file.write(secrets.token_urlsafe(50))
        with suppress(FileExistsError):  # another process was first, and its key counts
            os.link(new, path)
        new.unlink()
    path.chmod(0o600)
    return path.read_text()
