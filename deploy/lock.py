"""Lock dependencies: write requirements.txt (production), requirements-dev.txt (all) and deploy/local/ (trial copy).

All are made from pyproject.toml and constrained to production's versions, so that tests run with its packages.
Hashes cover all platforms and every Python from 3.11; the files name no package index.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
OPTIONS = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
]


def lock(target: str, *options: str) -> None:
    command = [str(UV), "pip", "compile", "pyproject.toml", *OPTIONS, *options, "--output-file", target]
    environment = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    if subprocess.call(command, cwd=ROOT, env=environment) != 0:
        sys.exit(f"{target} could not be written.")


def pin_of(package: str) -> str:
    """The lines of one package, with its hashes, from requirements-dev.txt."""
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    last = next(number for number in range(first, len(lines)) if not lines[number].rstrip().endswith("\\"))
    return "".join(lines[first : last + 1])


if __name__ == "__main__":
    upgrade = sys.argv[1:]  # such as --upgrade, or --upgrade-package django
    lock("requirements.txt", *upgrade)
    lock("requirements-dev.txt", "--extra=dev", "--constraint=requirements.txt", *upgrade)
    # What `make run` installs, and the program that installs it: a trial copy starts sooner than with everything.
    lock("deploy/local/requirements.txt", "--extra=run", "--constraint=requirements-dev.txt", *upgrade)
    (ROOT / "deploy/local/uv.txt").write_text(pin_of("uv"))
