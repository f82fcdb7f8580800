"""Signature of a backup: it tells a backup of ours from one that somebody else encrypted for our public key.

Ed25519 with keys in OpenSSH's format (`ssh-keygen -t ed25519` makes them, too). The secret half is a file that only the
user who makes backups can read, never web server and worker; the public half, BACKUP_SIGNER, is kept with the secret
age key.
"""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.backup.programs import stop

PURPOSE = b"revival backup manifest\n"
"""Comes before what is signed, so that no other signature by this key is good for a backup."""
HOW_TO_MAKE_ONE = "`python deploy/backup/backup.py signing-key FILE` makes a pair"


def make_key(file: Path) -> str:
    """Write a new secret key into a file that only its owner can read, and return the public one."""
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    try:
        with open(file, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(secret)
    except FileExistsError:
        stop(f"{file} exists already. Nothing was changed: choose a new name.")
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public.decode()


def secret_key(file: str) -> Ed25519PrivateKey:
    """The key in a file, which nobody but its owner may read. Raises SystemExit with a sentence."""
    if not file:
        stop(f"BACKUP_SIGNING_KEY is not set. It is the file of the key that signs backups; {HOW_TO_MAKE_ONE}.")
    try:
        if Path(file).stat().st_mode & 0o077:
            stop(f"{file} can be read by other users, who could forge backups; `chmod 600` closes it.")
        key = serialization.load_ssh_private_key(Path(file).read_bytes(), password=None)
    except OSError:
        stop(f"The signing key {file} cannot be read.")
    except (TypeError, ValueError, UnsupportedAlgorithm):  # the first of a key with a passphrase
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        stop(f"{file} does not hold an Ed25519 key in OpenSSH's format, without a passphrase; {HOW_TO_MAKE_ONE}.")
    return key


def public_keys(text: str) -> list[Ed25519PublicKey]:
    """The keys in BACKUP_SIGNER, separated by commas: the present one and those of backups still kept."""
    if not text.strip():
        stop(
            "BACKUP_SIGNER is not set, so a forged backup could not be told. Nothing was changed: set it to the public"
            " key (ssh-ed25519 ...) that `python deploy/backup/backup.py signing-key` printed."
        )
    keys = []
    for one in text.split(","):
        try:
            key = serialization.load_ssh_public_key(one.strip().encode())
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            stop("BACKUP_SIGNER is not an Ed25519 public key (ssh-ed25519 ...), or several separated by commas.")
        keys.append(key)
    return keys


def sign(key: Ed25519PrivateKey, content: bytes) -> bytes:
    return base64.b64encode(key.sign(PURPOSE + content)) + b"\n"


def is_by(keys: list[Ed25519PublicKey], content: bytes, signature: bytes) -> bool:
    """Whether one of these keys signed this content."""
    try:
        decoded = base64.b64decode(signature.strip(), validate=True)
    except ValueError:
        return False
    return any(_verifies(key, content, decoded) for key in keys)


def _verifies(key: Ed25519PublicKey, content: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, PURPOSE + content)
    except InvalidSignature:
        return False
    return True


def digest_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class CheckedReader:
    """A file whose last bytes are given out only when all of it has the expected digest.

    It is read once to check it and once more to restore it; nobody may change it in between.
    """

    def __init__(self, file: BinaryIO, digest: str) -> None:
        self.file, self.digest, self.so_far = file, digest, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(size)
        self.so_far.update(block)
        if not block and self.so_far.hexdigest() != self.digest:
            raise OSError("the file was changed while it was read")
        return block
