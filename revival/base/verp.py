"""Envelope sender of each mail (VERP), by which a bounce names the mail it is about, and nothing of the person."""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SIGNATURE_BYTES = 10
TOKEN_LENGTH = 42
"""Characters of a token: id and signature, 26 bytes, in base32, since a mail server may change the case."""
LONGEST_LOCAL_PART = 64 - len("+") - TOKEN_LENGTH
"""Of BOUNCE_ADDRESS, before the @, so that no address is longer than RFC 5321, 4.5.3.1.1 allows."""
ADDRESS = re.compile(rf"\+([a-z2-7]{{{TOKEN_LENGTH}}})@", re.IGNORECASE | re.ASCII)


class SentMail(Protocol):
    """A row of a table of mails."""

    public_id: uuid.UUID
    recipient: str
    sent_at: datetime | None


def envelope_sender(mail: SentMail) -> str:
    """`bounces+<token>@clinic.example` for the mail as it is sent now."""
    local_part, _, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    token = base64.b32encode(mail.public_id.bytes + _signature(mail)).decode().rstrip("=").lower()
    return f"{local_part}+{token}@{domain}"


@dataclass(frozen=True)
class Token:
    """What a bounce's address says; `is_of` tells whether it is true."""

    public_id: uuid.UUID
    signature: bytes

    @classmethod
    def in_address(cls, text: str) -> Token | None:
        """The token in a recipient's address, with or without a name around it; None when there is none."""
        match = ADDRESS.search(text)
        if match is None:
            return None
        padding = "=" * (-TOKEN_LENGTH % 8)
        raw = base64.b32decode(match[1].upper() + padding)
        return cls(uuid.UUID(bytes=raw[:16]), raw[16:])

    def is_of(self, mail: SentMail) -> bool:
        """Whether it was made for this mail as it was sent last: not for an earlier sending, or to another address."""
        return constant_time_compare(self.signature, _signature(mail))


def _signature(mail: SentMail) -> bytes:
    """HMAC of who it went to and when, with SECRET_KEY: whoever does not get the mail cannot make it bounce."""
    sent_at = mail.sent_at.astimezone(UTC).isoformat() if mail.sent_at else ""
    signed = f"{mail.public_id} {mail.recipient} {sent_at}"
    return salted_hmac("revival.base.verp", signed, algorithm="sha256").digest()[:SIGNATURE_BYTES]
