"""Host names of the site: which entries of ALLOWED_HOSTS name a host, and which would let many in, or none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*", re.IGNORECASE)
WITH_ALL_BELOW = re.compile(rf"\.{LABEL}(?:\.{LABEL})+", re.IGNORECASE)
"""`.clinic.example`: that name and all names below it. `.example` would be every name that ends so."""


def unfit(hosts: Iterable[str]) -> list[str]:
    """Entries that are no host name: wildcards, ports, schemes, spaces."""
    return [host for host in hosts if not is_fit(host)]


def is_fit(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        return _is_address(host[1:-1])
    return bool(NAME.fullmatch(host) or WITH_ALL_BELOW.fullmatch(host))


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
