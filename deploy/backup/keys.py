"""Keys around a backup: the age keys that seal and open it, and fingerprints of the site's keys when it was saved."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Any

import pyrage

from deploy.backup.programs import stop

KEYS = {
    "SECRET_KEY": "staff set up recovery codes again",
    "LINK_KEY": "the links in patients' mails no longer work",
}
"""What it means when the key is another than when a backup was saved."""


def fingerprint(name: str) -> str:
    """HMAC with the key in the environment variable `name`: tells whether two keys are the same, not the key."""
    return hmac.new(os.environ.get(name, "").encode(), b"revival backup", hashlib.sha256).hexdigest()[:16]


def refuse_other_keys(manifest: dict[str, Any]) -> None:
    for name, meaning in KEYS.items():
        if manifest["keys"].get(name) != fingerprint(name):
            stop(
                f"{name} is not the one of when this was saved; with another, {meaning}. Nothing was changed: set the"
                " key of then, or add --keys-changed when it is lost."
            )


def recipient_of(text: str) -> Any:
    if not text:
        stop(
            "BACKUP_RECIPIENT is not set. It is the public key (age1...) that "
            "`python deploy/backup/backup.py keys` printed."
        )
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        stop("BACKUP_RECIPIENT is not an age public key (age1...).")


def identities(path: Path) -> list[Any]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        stop(f"The secret key {path} cannot be read.")
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        return [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError:
        stop(f"{path} does not hold an age secret key (AGE-SECRET-KEY-1...).")


def print_keys() -> None:
    pair = pyrage.x25519.Identity.generate()
    print(f"# public key, for BACKUP_RECIPIENT: {pair.to_public()}\n{pair}")
