"""PrivateLink: the private address by which a patient opens a row's page without an account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from typing import ClassVar, Protocol, Self, TypeVar

from django.conf import settings
from django.db import models


class _Filters(Protocol):
    def filter(self, *, link_digest: str) -> Self: ...


Q = TypeVar("Q", bound=_Filters)


class Derivation(models.IntegerChoices):
    """How the private part of a row's address is made. A row keeps the one it was made with, so mailed links stay."""

    BY_ID = 1, "id and version, alike for rows of every kind"
    BY_PURPOSE = 2, "purpose, id and version"


def keyed_digest(purpose: str, text: str) -> bytes:
    """HMAC-SHA256 with LINK_KEY that is good for one purpose alone, a word without a colon."""
    return hmac.digest(settings.LINK_KEY.encode(), f"{purpose}:{text}".encode(), "sha256")


def link_token(purpose: str, public_id: uuid.UUID, version: int) -> str:
    """The private part of an address: base64url(HMAC(LINK_KEY, purpose, id and version)), 43 characters.

    Derived and never stored, so each mail and each repeated POST give the same address, and
    nothing at rest opens a page.
    """
    return _as_text(keyed_digest(purpose, f"{public_id}:{version}"))


def link_token_by_id(public_id: uuid.UUID, version: int) -> str:
    """As it was made until December 2026, for rows of then. An id is no purpose, so it is never like one of today."""
    return _as_text(keyed_digest(str(public_id), str(version)))


def _as_text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_digest(token: str) -> str:
    """SHA-256 of a token in hex: what the row keeps of its link, for look-up."""
    return hashlib.sha256(token.encode()).hexdigest()


class WithPrivateLink:
    """Mixin for the QuerySet of a model with a PrivateLink."""

    def with_token(self: Q, token: str) -> Q:
        """The one row that this private link opens, or none."""
        return self.filter(link_digest=token_digest(token))


class PrivateLink(models.Model):
    """A row with a page that only its private link opens."""

    link_purpose: ClassVar[str]
    """Which kind of page it is, so that the address of one kind never opens another."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    link_version = models.PositiveSmallIntegerField(default=1, db_default=1)
    # In the database the old one is the default: code from before the column, which may still run, makes such links.
    link_derivation = models.PositiveSmallIntegerField(
        choices=Derivation, default=Derivation.BY_PURPOSE, db_default=Derivation.BY_ID, editable=False
    )
    link_digest = models.CharField(max_length=64, unique=True)

    class Meta:
        abstract = True

    @property
    def token(self) -> str:
        if self.link_derivation == Derivation.BY_ID:
            return link_token_by_id(self.public_id, self.link_version)
        return link_token(self.link_purpose, self.public_id, self.link_version)

    def renew_link(self) -> None:
        """Write the digest that opens the present link version (not saved)."""
        self.link_digest = token_digest(self.token)

    def close_link(self) -> None:
        """Raise the link version: addresses sent so far, which others may have, open nothing any more (not saved)."""
        self.link_version += 1
        self.renew_link()
