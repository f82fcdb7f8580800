"""A step of `make check`: no password, key or token is in the repository.

detect-secrets looks at every file that is kept; what it takes for a secret and is none stands in KNOWN, with the
reason, word for word. Exit code 1 when it found another; the secret itself is not printed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")  # hashes of packages, nothing else
EXAMPLE = "stands for the reader's own in an address that shows how one is written"
TRIAL = "of a colleague whom a test makes, in a database that is thrown away"
WRONG = "typed in a test to be refused"
KNOWN = {
    "password": EXAMPLE,
    "PGPASSWORD": "the name of a variable",  # pragma: allowlist secret
    "for-this-check-only-": "in a production mode that only looks at settings",
    "drill-": "of a site that a drill starts and throws away",
    "admin/auth/user/first_password.html": "the name of a page",
    "That isn’t your current password. Check for capital letters.": "a sentence on a page",
    "field__box": "the name of a class in a style sheet",
    "23456789abcdefghjkmnpqrstuvwxyz": "the alphabet of recovery codes",
    "OS": "the roles that may change a colleague's password",
    **dict.fromkeys(("desk", "right", "seven geese cross the river", "nine geese cross the lake"), TRIAL),
    **dict.fromkeys(("four hens in the barn", "another", "for one picture"), TRIAL),
    **dict.fromkeys(("short", "wrong", "wrong again", "elevenchars", "secret"), WRONG),
    **dict.fromkeys(
        ("topsecret", "a%2Fb", "p%40ss"), "of a database that a test makes up, to see that no message quotes it"
    ),
}


def kept_files() -> list[Path]:
    """What git keeps, and what is not committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and name not in LOCKS and (ROOT / name).is_file()]


def secrets_in(files: list[Path]) -> list[str]:
    """Place and kind of each that is not known."""
    found = []
    with default_settings():
        for file in files:
            seen = SecretsCollection()
            seen.scan_file(str(file))
            found += [
                f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}:{one.line_number} {one.type}"
                for _, one in seen
                if one.secret_value not in KNOWN
            ]
    return sorted(found)


def main() -> int:
    found = secrets_in(kept_files())
    for line in found:
        print(f"{line}: is it one? Then change it wherever it is in use; if not, say so in {Path(__file__).name}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
