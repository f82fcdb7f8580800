"""Encryption at rest of the keys that phones make codes from (AES-256-GCM, NIST SP 800-38D).

Its key is derived from SECRET_KEY (HKDF, RFC 5869), which stands in no table and no backup: whoever reads the database
alone can compute no code. The account's number is authenticated with it, so a sealed key put into another account's
row opens nothing. Recovery codes need none of this: only keyed hashes of them are stored.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import hexlify, unhexlify

from django.conf import settings

PREFIX = "v1:"
NONCE_BYTES = 12  # random; a clinic seals some dozens of keys, far below the 2^32 that GCM allows
PURPOSE = b"revival.staff.sealing"


class SealError(Exception):
    """The key was sealed with another SECRET_KEY or for another account, or was changed since."""


def is_sealed(text: str) -> bool:
    return text.startswith(PREFIX)


def seal(key: str, account: int) -> str:
    """Encrypt a key of hexadecimal digits for this account; 67 characters for 20 bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 8 MB that only signing in needs

    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(_derive(settings.SECRET_KEY)).encrypt(nonce, unhexlify(key), _about(account))
    return PREFIX + b64encode(nonce + sealed).decode()


def unseal(text: str, account: int) -> str:
    """The key as hexadecimal digits. One that is not sealed yet is returned as it is. Raises SealError."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not is_sealed(text):
        return text
    try:
        data = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise SealError from None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            opened = AESGCM(_derive(str(secret))).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _about(account))
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            continue
        return hexlify(opened).decode()
    raise SealError


def _derive(secret: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())


def _about(account: int) -> bytes:
    return f"account {account}".encode()
