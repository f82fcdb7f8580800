"""Network address of a request's sender, coarse enough to be shared by a household."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"


def visitors_network(request: HttpRequest) -> str:
    """The network of the request's sender, behind the proxies of `TRUSTED_PROXIES`; UNKNOWN when it has no address."""
    return network_of(
        peer=request.META.get("REMOTE_ADDR", ""),
        forwarded_for=request.headers.get("X-Forwarded-For", ""),
        trusted=settings.TRUSTED_PROXIES,
    )


def network_of(*, peer: str, forwarded_for: str, trusted: Iterable[str]) -> str:
    """The visitor's network: an IPv4 address, or the /64 of an IPv6 one; UNKNOWN for anything else.

    Taken from the socket's own peer, unless that is a trusted proxy: then from the last hop the proxy added.
    Earlier entries of X-Forwarded-For may have been written by the visitor.
    """
    address = peer
    if forwarded_for.strip() and is_trusted(peer, trusted):
        address = forwarded_for.rsplit(",", 1)[-1].strip()
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped or parsed.version == 4:
        return str(mapped or parsed)
    return str(ip_network((parsed, 64), strict=False))


def is_trusted(peer: str, trusted: Iterable[str]) -> bool:
    """Whether the address is one of, or in one of the networks of, TRUSTED_PROXIES. gunicorn asks the same of the
    scheme."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(network) for network in trusted)


def is_network(text: str) -> bool:
    """Whether it is an address or a network, and not every address at once."""
    try:
        return ip_network(text).prefixlen > 0
    except ValueError:
        return False
