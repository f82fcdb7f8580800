"""Debian's chromium, as every test and picture starts it."""

from __future__ import annotations

import os
import shutil
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def launch_options() -> dict[str, Any]:
    quiet = [
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--disable-default-apps", "--no-first-run", "--disable-dev-shm-usage"),
    ]
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": CHROMIUM, "args": quiet + as_root}
