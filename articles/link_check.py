"""Does an address outside our site still answer? With the standard library only; writes nothing.

Addresses come from texts that staff type, so they are not trusted with our own network: each host is resolved
here, and what lies inside (loopback, private, link-local, the cloud's own) is refused at every hop. The
connection then goes to the very address that was looked at, so a name cannot change its mind in between.
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

SECONDS = 10  # for each hop, from the first packet to the last header
MOST_HOPS = 5
AT_ONCE = 4
REDIRECTS = {301, 302, 303, 307, 308}
REFUSES_PROGRAMS = {401, 403, 407, 418, 429, 451, 503}
"""What publishers answer to anything but a browser; it says nothing about the link."""


@dataclass(frozen=True)
class Found:
    """Of one look: what it means, the last status if there was one, and words."""

    outcome: Outcome
    said: str
    status: int | None = None


class NoAnswerError(Exception):
    """Nothing came back that could be judged; the text says why."""


def check_all(addresses: Iterable[str]) -> dict[str, Found]:
    """Each address once, four at a time."""
    wanted = list(dict.fromkeys(addresses))
    with ThreadPoolExecutor(AT_ONCE) as looks:
        return dict(zip(wanted, looks.map(check, wanted), strict=True))


def check(address: str) -> Found:
    """Ask with HEAD, and with GET where HEAD is not answered well."""
    try:
        status = _ask("HEAD", address)
        if status >= 400:  # many servers refuse HEAD, or answer it wrongly
            status = _ask("GET", address)
    except NoAnswerError as error:
        return Found(Outcome.DEAD, str(error))
    if 200 <= status < 300:
        return Found(Outcome.WORKS, "Opens", status)
    if status in REFUSES_PROGRAMS:
        return Found(Outcome.UNSURE, "Answers, but not to programs: look yourself", status)
    return Found(Outcome.DEAD, "Gone" if status in (404, 410) else f"Answers with an error ({status})", status)


def _ask(method: str, address: str) -> int:
    """The status at the end of the redirects. Raises NoAnswerError."""
    for _ in range(MOST_HOPS + 1):
        status, location = _one_hop(method, address)
        if status not in REDIRECTS or not location:
            return status
        try:
            address = urljoin(address, location)
        except ValueError as error:
            raise NoAnswerError("Leads to what is no address") from error
    raise NoAnswerError("Leads on and on, and never arrives")


def _one_hop(method: str, address: str) -> tuple[int, str]:
    try:
        parts = urlsplit(address)
        connection = _connection(parts)
    except (ValueError, http.client.InvalidURL) as error:  # brackets or a port that are none
        raise NoAnswerError("Is no address") from error
    timer = threading.Timer(SECONDS, connection.give_up)  # `timeout` alone lets one byte every nine seconds pass
    timer.daemon = True
    timer.start()
    try:
        connection.request(method, _path(parts), headers=_headers())
        response = connection.getresponse()
        if connection.gave_up:  # the library takes headers that were cut off for whole ones
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
    return "".join(one if "!" <= one <= "~" else _percent(one) for one in path)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


# ---- connections to where we looked ---------------------------------------------------------


class _Pinned:
    """A connection that goes to an address we chose, whatever the name says a moment later."""

    places: list[str]
    is_secure: bool
    gave_up = False
    host: str
    port: int
    sock: socket.socket | None

    def connect(self) -> None:
        plain = self._first_that_answers()
        self.sock = plain
        if self.is_secure:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)

    def _first_that_answers(self) -> socket.socket:
        trouble: OSError = OSError("no address")
        for place in self.places:
            try:
                return socket.create_connection((place, self.port), SECONDS)
            except OSError as error:
                trouble = error
        raise trouble

    def give_up(self) -> None:
        self.gave_up = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended meanwhile


class _Connection(_Pinned, http.client.HTTPConnection):
    pass


def _connection(parts: SplitResult) -> _Connection:
    """Raises NoAnswerError for what is not to be asked, ValueError for what is no address."""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoAnswerError("Is no web address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = _Connection(parts.hostname, port, timeout=SECONDS)
    connection.is_secure = parts.scheme == "https"
    connection.places = _places(parts.hostname, port)
    return connection


def _places(host: str, port: int) -> list[str]:
    """The numbers behind a name. Raises NoAnswerError when there are none, or one lies inside."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoAnswerError("There is no such site") from error
    places = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not settings.LINK_CHECK_MAY_LOOK_INSIDE and not all(is_outside(place) for place in places):
        raise NoAnswerError("Leads into a private network")
    return places


def is_outside(place: str) -> bool:
    """Whether a number belongs to the public internet; IPv4 inside IPv6 is judged by the IPv4."""
    number = ipaddress.ip_address(place.partition("%")[0])
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else None)
        if number in ipaddress.ip_network("64:ff9b::/96"):  # RFC 6052
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inner is not None:
            return is_outside(str(inner))
    return number.is_global and not number.is_multicast
