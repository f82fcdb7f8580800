"""PrivateLink: the private address by which a patient opens a row's page without an account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from typing import Protocol, Self, TypeVar

from django.conf import settings
from django.db import models


class _Filters(Protocol):
    def filter(self, *, link_digest: str) -> Self: ...


Q = TypeVar("Q", bound=_Filters)


def link_token(public_id: uuid.UUID, version: int) -> str:
    """The private part of an address: base64url(HMAC-SHA256(LINK_KEY, id and version)), 43 characters.

    Derived and never stored, so each mail and each repeated POST give the same address, and
    nothing at rest opens a page.
    """
    digest = hmac.digest(settings.LINK_KEY.encode(), f"{public_id}:{version}".encode(), "sha256")
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

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    link_version = models.PositiveSmallIntegerField(default=1, db_default=1)
    link_digest = models.CharField(max_length=64, unique=True)

    class Meta:
        abstract = True

    @property
    def token(self) -> str:
        return link_token(self.public_id, self.link_version)

    def renew_link(self) -> None:
        """Write the digest that opens the present link version (not saved)."""
        self.link_digest = token_digest(self.token)

    def close_link(self) -> None:
        """Raise the link version: addresses sent so far, which others may have, open nothing any more (not saved)."""
        self.link_version += 1
        self.renew_link()
