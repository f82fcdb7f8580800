"""Check locked packages for known vulnerabilities (a step of `make check`).

pip-audit asks PyPI's list of advisories, in an environment that uv makes for it, apart from ours. Without a network the
step prints that in capitals and passes, so that people can work offline. Exit code 1 when a vulnerability is known.
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
UNREACHABLE = "LEFT OUT, NOTHING WAS CHECKED: the list of known weaknesses cannot be reached from here."
ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern us: id and reason."""


def audit() -> list[dict[str, Any]] | None:  # pip-audit's JSON
    """Each package with its vulnerabilities; None when the list cannot be reached."""
    command = [str(UV), "tool", "run", "--quiet", "--from", PIP_AUDIT, "pip-audit", "--format=json", "--disable-pip"]
    try:
        result = subprocess.run(
            [*command, "--no-deps", "--progress-spinner=off", f"--requirement={LOCK}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        packages: list[dict[str, Any]] = json.loads(result.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, OSError, ValueError, KeyError):
        return None
    return packages


def judge(packages: list[dict[str, Any]] | None) -> tuple[int, list[str]]:
    """Exit code, and the lines to print."""
    checked = [package for package in packages or [] if "skip_reason" not in package]
    if not checked:
        return 0, [UNREACHABLE]
    weaknesses = [
        f"{package['name']} {package['version']}: {weakness['id']}, "
        f"fixed in {', '.join(weakness['fix_versions']) or 'no version'}"
        for package in checked
        for weakness in package["vulns"]
        if weakness["id"] not in ACCEPTED
    ]
    skipped = len(packages or []) - len(checked)
    summary = f"{len(checked)} packages checked, {skipped} not in the list, {len(weaknesses)} known weaknesses."
    return (1 if weaknesses else 0), [*weaknesses, summary]


def main() -> int:
    code, lines = judge(audit())
    print("\n".join(f"   {line}" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
