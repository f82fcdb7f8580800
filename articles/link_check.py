"""Link checker for addresses on other sites, with the standard library only; writes nothing.

Staff type these addresses, so they could lead into our own network (server-side request forgery). Each host is
resolved here, at every redirect, and every address that is not on the public internet is refused: loopback, private,
link-local, a cloud's metadata, ways into IPv4 by IPv6. The connection then goes to the very IP address that was
checked, so that a second DNS answer cannot lead elsewhere (DNS rebinding). Only the ports of web pages are asked, so
that nobody can have ours look for other services. deploy/systemd/revival-worker.service refuses private networks once
more, in the kernel.

Publishers refuse programs with statuses such as 403 or 429; such a link is for staff to open, and is not called dead.
A crawler was weighed on 2026-11-24 and left, because it follows more than the pages link to.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings

from articles.models import Outcome

SECONDS = 10  # for each request, from the first packet to the last header
MAX_REDIRECTS = 5
THREADS = 4
REDIRECTS = {301, 302, 303, 307, 308}
PORTS = {80, 443}
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is assigned of IPv6 (RFC 4291). Outside are loopback, local addresses and NAT64 (RFC 6052, RFC 8215)."""
NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's metadata and DNS; other clouds use addresses that are not global anyway
        "192.0.0.0/24",  # protocols, such as turning an IPv6 network's traffic into IPv4 (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "2001::/23",  # Teredo and other protocols, some of which hold an IPv4 address (RFC 2928)
        "2002::/16",  # 6to4 (RFC 3056)
        "3fff::/20",  # for documents (RFC 9637)
    )
]
"""What Python's `is_global` lets through, at least in some version, and must not be asked."""
REFUSES_PROGRAMS = {401, 403, 407, 418, 429, 451, 503}
"""Statuses with which publishers refuse programs; a browser may still open the page."""


@dataclass(frozen=True)
class CheckResult:
    """Result of one check: the outcome, an explanation, and the last HTTP status if there was one."""

    outcome: Outcome
    explanation: str
    status: int | None = None


class NoAnswerError(Exception):
    """There is no HTTP answer to judge; the message says why."""

    outcome = Outcome.DEAD


class NotAskedError(NoAnswerError):
    """The site may well be there, but is not ours to ask."""

    outcome = Outcome.UNSURE


def check_all(addresses: Iterable[str]) -> dict[str, CheckResult]:
    """Check each address once, four at a time."""
    unique = list(dict.fromkeys(addresses))
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(unique, pool.map(check, unique), strict=True))


def check(address: str) -> CheckResult:
    """Request the address with HEAD, and with GET if HEAD fails."""
    try:
        status = _final_status("HEAD", address)
        if status >= 400:  # many servers refuse HEAD, or answer it wrongly
            status = _final_status("GET", address)
    except NoAnswerError as error:
        return CheckResult(error.outcome, str(error))
    if 200 <= status < 300:
        return CheckResult(Outcome.WORKS, "Opens", status)
    if status in REFUSES_PROGRAMS:
        return CheckResult(Outcome.UNSURE, "Refuses automatic checks: open it yourself", status)
    return CheckResult(Outcome.DEAD, "Gone" if status in (404, 410) else f"Answers with an error ({status})", status)


def _final_status(method: str, address: str) -> int:
    """The HTTP status after all redirects. Raises NoAnswerError."""
    for _ in range(MAX_REDIRECTS + 1):
        status, location = _request(method, address)
        if status not in REDIRECTS or not location:
            return status
        try:
            address = urljoin(address, location)
        except ValueError as error:
            raise NoAnswerError("Leads to what is no address") from error
    raise NoAnswerError("Leads on and on, and never arrives")


def _request(method: str, address: str) -> tuple[int, str]:
    """Status and Location of one request, without following a redirect. Raises NoAnswerError."""
    try:
        parts = urlsplit(address)
        connection = _connection(parts)
    except (ValueError, http.client.InvalidURL) as error:  # such as an invalid port, or brackets around no IPv6
        raise NoAnswerError("Is no address") from error
    timer = threading.Timer(SECONDS, connection.give_up)  # `timeout` alone allows a byte every nine seconds
    timer.daemon = True
    timer.start()
    try:
        connection.request(method, _path(parts), headers=_headers())
        response = connection.getresponse()
        if connection.gave_up:  # http.client accepts headers that were cut off
            raise TimeoutError
        return response.status, response.getheader("Location") or ""
    except ssl.SSLCertVerificationError as error:
        raise NoAnswerError("Its certificate is not valid") from error
    except (TimeoutError, OSError, http.client.HTTPException, ValueError) as error:
        is_late = connection.gave_up or isinstance(error, TimeoutError)
        raise NoAnswerError(f"No answer in {SECONDS} seconds" if is_late else "Cannot be reached") from error
    finally:
        timer.cancel()
        connection.close()


def _headers() -> dict[str, str]:
    return {"User-Agent": f"Revival-link-check (+{settings.SITE_URL}/)", "Accept": "*/*", "Connection": "close"}


def _path(parts: SplitResult) -> str:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return "".join(character if "!" <= character <= "~" else _percent_encode(character) for character in path)


def _percent_encode(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


# ---- connections to checked IP addresses ----------------------------------------------------


class _Pinned:
    """Mixin of HTTPConnection that connects to given IP addresses instead of resolving the host again."""

    ip_addresses: list[str]
    is_secure: bool
    gave_up = False
    host: str
    port: int
    sock: socket.socket | None

    def connect(self) -> None:
        plain = self._connect_to_first()
        self.sock = plain
        if self.is_secure:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)

    def _connect_to_first(self) -> socket.socket:
        """Connect to the first IP address that accepts. Raises OSError."""
        last_error: OSError = OSError("no address")
        for ip_address in self.ip_addresses:
            try:
                return socket.create_connection((ip_address, self.port), SECONDS)
            except OSError as error:
                last_error = error
        raise last_error

    def give_up(self) -> None:
        """End the connection from another thread."""
        self.gave_up = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended already


class _Connection(_Pinned, http.client.HTTPConnection):
    pass


def _connection(parts: SplitResult) -> _Connection:
    """Connection for an address. Raises NoAnswerError if we must not request it, ValueError if it is invalid."""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoAnswerError("Is no web address")
    port = parts.port if parts.port is not None else (443 if parts.scheme == "https" else 80)
    connection = _Connection(parts.hostname, port, timeout=SECONDS)
    connection.is_secure = parts.scheme == "https"
    connection.ip_addresses = _resolve(parts.hostname, port)
    if port not in PORTS and not settings.LINK_CHECK_MAY_LOOK_INSIDE:
        raise NotAskedError(f"Is at port {port}, which is not checked: open it yourself")
    return connection


def _resolve(host: str, port: int) -> list[str]:
    """IP addresses of a host. Raises NoAnswerError if there are none, or if one is private."""
    try:
        results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoAnswerError("There is no such site") from error
    ip_addresses = list(dict.fromkeys(str(address[0]) for *_, address in results))
    if not settings.LINK_CHECK_MAY_LOOK_INSIDE and not all(map(is_public_ip, ip_addresses)):
        raise NoAnswerError("Leads into a private network")
    return ip_addresses


def is_public_ip(text: str) -> bool:
    """Whether an IP address belongs to the public internet. An IPv4 address written as an IPv6 one decides itself."""
    ip_address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip_address, ipaddress.IPv6Address):
        if ip_address.ipv4_mapped:
            return is_public_ip(str(ip_address.ipv4_mapped))
        if ip_address not in GLOBAL_UNICAST:
            return False
    is_excepted = any(ip_address in network for network in NOT_PUBLIC)
    return ip_address.is_global and not ip_address.is_multicast and not is_excepted
