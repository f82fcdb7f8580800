"""E-mail addresses: as they are shown, as mail is sent to them, and the key in which they are compared.

The part before the @ stays as typed: only its mail server knows what it means (RFC 5321, 2.4). The domain is lower
case, shown in Unicode and sent in A-labels (IDNA 2008 with the mapping of UTS 46). For comparison the part before the @
is lower case, too: people type either, and mail servers in use take both for one mailbox.
"""

from __future__ import annotations

import idna


def clean_address(typed: str) -> str:
    """The address as it is kept and shown. Raises ValueError when the domain cannot be one."""
    local, at, domain = typed.strip().rpartition("@")
    return f"{local}{at}{_decoded(_encoded(domain))}"


def sending_address(address: str) -> str:
    """The address that mail servers and calendars get. Raises ValueError when the domain cannot be one."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{_encoded(domain)}"


def address_key(address: str) -> str:
    """The address for comparison; of a text whose domain cannot be one, the text in lower case."""
    try:
        return sending_address(address).lower()
    except ValueError:
        return address.strip().lower()


def _encoded(domain: str) -> str:
    if domain.isascii() and not domain.lower().startswith("xn--") and ".xn--" not in domain.lower():
        return domain.lower()
    return idna.encode(domain, uts46=True).decode()


def _decoded(domain: str) -> str:
    return idna.decode(domain) if "xn--" in domain else domain
