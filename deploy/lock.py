"""Lock dependencies: write requirements.txt (production) and requirements-dev.txt (all) from pyproject.toml.

The second is constrained to the versions of the first, so that tests run with production's packages. Hashes cover all
platforms and every Python from 3.11; the files name no package index.
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


if __name__ == "__main__":
    upgrade = sys.argv[1:]  # such as --upgrade, or --upgrade-package django
    lock("requirements.txt", *upgrade)
    lock("requirements-dev.txt", "--extra=dev", "--constraint=requirements.txt", *upgrade)
