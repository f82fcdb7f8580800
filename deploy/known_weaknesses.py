"""A step of `make check`: no locked package has a weakness that is known.

pip-audit asks PyPI's own list of advisories, in an environment that uv makes for it and that is no part of ours.
Where that list cannot be reached the step says so, in capitals, and passes: what it would have said is not known, and
a check without a network must not stop the work. Exit code 1 when a weakness is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
PIP_AUDIT = "pip-audit==2.10.1"
LOCK = "requirements.txt"
SECONDS = 300
NOBODY_KNOWS = "LEFT OUT, NOTHING WAS CHECKED: the list of known weaknesses cannot be reached from here."
ACCEPTED: dict[str, str] = {}
"""By the number of the advisory: why it does not concern us."""


def ask() -> list[dict[str, Any]] | None:
    """Each package with what is known of it; None when nobody answered."""
    command = [str(UV), "tool", "run", "--quiet", "--from", PIP_AUDIT, "pip-audit", "--format=json", "--disable-pip"]
    try:
        done = subprocess.run(
            [*command, "--no-deps", "--progress-spinner=off", f"--requirement={LOCK}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, OSError, ValueError, KeyError):
        return None
    return packages


def judge(packages: list[dict[str, Any]] | None) -> tuple[int, list[str]]:
    """Exit code, and what to say."""
    asked = [one for one in packages or [] if "skip_reason" not in one]
    if not asked:
        return 0, [NOBODY_KNOWS]
    weak = [(one, weakness) for one in asked for weakness in one["vulns"] if weakness["id"] not in ACCEPTED]
    found = [
        f"{one['name']} {one['version']}: {weakness['id']}, mended in {', '.join(weakness['fix_versions']) or 'none'}"
        for one, weakness in weak
    ]
    unknown = len(packages or []) - len(asked)
    told = [f"{len(asked)} packages asked about, {unknown} that the list does not know, {len(found)} weaknesses."]
    return (1 if found else 0), [*found, *told]


def main() -> int:
    code, told = judge(ask())
    print("\n".join(f"   {line}" for line in told))
    return code


if __name__ == "__main__":
    sys.exit(main())
