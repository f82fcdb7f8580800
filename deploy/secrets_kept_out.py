"""Scan the repository for passwords, keys and tokens (a step of `make check`).

detect-secrets scans every file that git keeps. KNOWN lists its false positives, word for word, with the reason. Exit
code 1 when it finds anything else; the secret itself is not printed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")  # hashes of packages, nothing else
EXAMPLE = "a placeholder in an example address"
TRIAL = "of a test account, in a database that is thrown away"
WRONG = "typed in a test to be refused"
KNOWN = {
    "password": EXAMPLE,
    "PGPASSWORD": "the name of a variable",  # pragma: allowlist secret
    "staff set up recovery codes again": "what it means when a key is lost",
    "admin/auth/user/first_password.html": "the name of a page",
    "That isn’t your current password. Check for capital letters.": "a sentence on a page",
    "field__box": "the name of a class in a style sheet",
    "23456789abcdefghjkmnpqrstuvwxyz": "the alphabet of recovery codes",
    "OS": "the roles that may change a colleague's password",
    **dict.fromkeys(("desk", "right", "seven geese cross the river", "nine geese cross the lake"), TRIAL),
    **dict.fromkeys(("four hens in the barn", "another", "for one picture"), TRIAL),
    **dict.fromkeys(("short", "wrong", "wrong again", "elevenchars", "secret"), WRONG),
    **dict.fromkeys(("topsecret", "a%2Fb", "p%40ss"), "of a made-up database, to test that no message quotes it"),
}


def kept_files() -> list[Path]:
    """Files that git tracks, and new ones that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and name not in LOCKS and (ROOT / name).is_file()]


def secrets_in(files: list[Path]) -> list[str]:
    """File, line and kind of each secret that is not in KNOWN."""
    lines = []
    with default_settings():
        for file in files:
            secrets = SecretsCollection()
            secrets.scan_file(str(file))
            name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
            lines += [
                f"{name}:{secret.line_number} {secret.type}"
                for _, secret in secrets
                if secret.secret_value not in KNOWN
            ]
    return sorted(lines)


def main() -> int:
    lines = secrets_in(kept_files())
    for line in lines:
        print(f"{line}: a secret? Then replace it wherever it is in use. If not, add it to {Path(__file__).name}.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
