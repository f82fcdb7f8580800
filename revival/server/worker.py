"""gunicorn's process with threads, which answers what is no HTTP in the site's own face, too.

gunicorn's own page quotes what was sent, carries none of our headers, and is a 501 for some requests. And it sends
head and body of an answer one after the other: a process killed in between leaves half an answer, which nginx can no
longer ask another process for. And whichever process wakes first takes all connections that come at once: the eight
of one nginx then wait for one core, while another does nothing.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

from gunicorn import util
from gunicorn.http import errors, wsgi
from gunicorn.workers.gthread import ThreadWorker

REASONS = {
    400: "Bad Request",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
}
STATUS = {errors.LimitRequestLine: 414, errors.LimitRequestHeaders: 431, errors.ExpectationFailed: 417}
PATIENCE, REMEMBERED = 0.002, 0.1
"""Seconds for which a connection is left to a process with fewer, and for which one that did not take it is believed to
hang: nothing is left to it then."""
OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def refusal(error: BaseException) -> bytes | None:
    """The whole answer to what cannot be read (RFC 9112); None when the fault is not the sender's."""
    if not isinstance(error, errors.ParseException | ssl.SSLError) or isinstance(error, OURS):
        return None
    from csp.utils import build_policy  # the site is loaded after this file is

    from revival.site import errors as views

    status = STATUS.get(type(error), 400)
    body = views.error_page(400).content
    headers = {
        "Connection": "close",
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": len(body),
        "Cache-Control": "no-store",
        "Content-Security-Policy": build_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin",
    }
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Collector:
    """Takes what is written to a socket."""

    def __init__(self) -> None:
        self.taken = b""

    def sendall(self, data: bytes) -> None:
        self.taken += data


class WholeResponse(wsgi.Response):
    """Head and first part of the body leave in one piece, which for a page is all of it."""

    sock: Any
    _head = b""

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        socket, self.sock = self.sock, Collector()
        try:
            super().send_headers()
            self._head = self.sock.taken
        finally:
            self.sock = socket

    def _emit_body(self, data: bytes) -> None:
        socket, self.sock = self.sock, Collector()
        try:
            super()._emit_body(data)
            whole, self._head = self._head + self.sock.taken, b""
        finally:
            self.sock = socket
        self.sock.sendall(whole)

    def sendfile(self, respiter: Any) -> bool:
        self.send_headers()
        self._send_head()
        return bool(super().sendfile(respiter))

    def close(self) -> None:
        self.send_headers()
        self._send_head()
        super().close()

    def _send_head(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.sock.sendall(head)


wsgi.Response = WholeResponse  # where gunicorn's worker takes it from


class Places:
    """How many connections each process has, in memory that all share: one byte for each by its number, plus one.
    0 is nobody who would take another."""

    MANY = 255

    def __init__(self, memory: Any, begin: int, length: int) -> None:
        self.memory, self.begin, self.length = memory, begin, length

    def tell(self, number: int, connections: int | None) -> None:
        byte = 0 if connections is None else min(connections + 1, self.MANY)
        self.memory[self.begin + number % self.length] = byte

    def least(self) -> int:
        told = bytes(self.memory[self.begin : self.begin + self.length]).replace(b"\0", b"")
        return min(told, default=1) - 1


class Worker(ThreadWorker):
    places: Places | None = None
    """Given by deploy/gunicorn.conf.py before the process begins."""
    _left_at = 0.0

    def accept(self, listener: Any) -> None:
        """Take a connection, or leave it to a process that has fewer: for two milliseconds, since it may be hanging."""
        if not self.places or self.nr_conns <= self.places.least():
            self._left_at = 0.0
        else:
            now = time.monotonic()
            if now - self._left_at > REMEMBERED:
                self._left_at = now
            if now - self._left_at < PATIENCE:
                time.sleep(PATIENCE / 20)  # it is asked again at once
                return
        super().accept(listener)
        self._tell()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(timeout)
        self._tell()

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        self._tell()

    def _tell(self) -> None:
        if self.places:
            self.places.tell(self.age, self.nr_conns if self._accepting else None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
            raise errors.InvalidHeader("HOST", req=req)  # RFC 9112, 3.2: there is one, and no server guesses it
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        answer = refusal(exc)
        if answer is None:
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("invalid request")  # what was sent, and from where, stays out of the log
        try:
            util.write_nonblock(client, answer)
        except OSError:
            self.log.debug("Failed to send error message.")
