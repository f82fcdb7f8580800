"""Threaded gunicorn worker with our error page for requests it cannot parse, whole responses, load sharing, and no
waiting for slow clients.

gunicorn's own error page quotes the request, carries none of our headers, and is a 501 for some requests. gunicorn
also sends head and body of a response one after the other: a process killed in between leaves half a response, which
nginx can no longer ask another process for. And whichever process wakes first takes all connections that arrive
together: the eight of one nginx then wait for one core, while the other is idle.

A thread waits for a client as long as slow_clients.py lets it. gunicorn also lets a thread wait five seconds for the
first byte of a connection, and lets the one thread that accepts connections stand still for up to two seconds while a
client takes the last bytes of an answer; here both wait in the poller.

nginx alone was weighed on 2026-11-25 as the one to answer such requests; it passes some on that gunicorn refuses. This
module uses gunicorn's internals, so it has to be read again at each new version of gunicorn.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from mmap import mmap
from typing import Any, TypeAlias

from gunicorn import util
from gunicorn.http import errors, wsgi
from gunicorn.workers import gthread

from .slow_clients import MOST_BYTES, Connection, TooLargeError, TooSlowError

Untyped: TypeAlias = Any  # gunicorn has no types
REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
}
STATUS = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    TooLargeError: 413,
    TooSlowError: 408,
}
PATIENCE, REMEMBERED = 0.002, 0.1
"""Seconds for which a connection is left to a process with fewer, and for which a process that did not take one is
assumed to hang, so that no more are left to it."""
FIRST_BYTE = 0.05
"""Seconds for which a thread waits for the first byte of a connection: nginx sends it together with the connection."""
LINGER = 2.0
"""Seconds for which a connection stays open after its last answer, while the client still sends."""
OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def refusal(error: BaseException) -> bytes | None:
    """The whole response to a request that cannot be parsed (RFC 9112); None when the error is our own."""
    if not isinstance(error, errors.ParseException | ssl.SSLError) or isinstance(error, OURS):
        return None
    from csp.utils import build_policy  # the site is loaded after this file is
    from django.conf import settings

    from revival.site import errors as views

    status = STATUS.get(type(error), 400)
    body = views.error_page(408 if status == 408 else 400).content
    headers = {
        "Connection": "close",
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": len(body),
        "Cache-Control": "no-store",
        "Content-Security-Policy": build_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin",
        "Permissions-Policy": settings.PERMISSIONS_POLICY,
    }
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Collector:
    """Stands in for a socket and collects the bytes written to it."""

    def __init__(self) -> None:
        self.taken = b""

    def sendall(self, data: bytes) -> None:
        self.taken += data


class WholeResponse(wsgi.Response):
    """Response whose head and first part of the body are sent in one piece; for a page that is the whole response."""

    sock: Untyped
    _head = b""

    def default_headers(self) -> list[str]:
        """Without the name of the program, which helps only who looks for a known hole in it."""
        return [header for header in super().default_headers() if not header.startswith("Server:")]

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        if getattr(self.sock, "is_late", False):
            self.force_close()
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

    def sendfile(self, respiter: object) -> bool:
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


# Where gunicorn's worker takes them from
wsgi.Response = WholeResponse
gthread.TConn = Connection


class Places:
    """Shared memory with one byte per worker: open connections + 1; zero means not accepting."""

    MANY = 255

    def __init__(self, memory: mmap, begin: int, length: int) -> None:
        self.memory, self.begin, self.length = memory, begin, length

    def tell(self, number: int, connections: int | None) -> None:
        byte = 0 if connections is None else min(connections + 1, self.MANY)
        self.memory[self.begin + number % self.length] = byte

    def least(self) -> int:
        told = bytes(self.memory[self.begin : self.begin + self.length]).replace(b"\0", b"")
        return min(told, default=1) - 1


class Worker(gthread.ThreadWorker):
    places: Places | None = None
    """Set by deploy/gunicorn.conf.py before the process starts."""
    _left_at = 0.0

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.lingering: deque[Connection] = deque()

    def accept(self, listener: object) -> None:
        """Accept a connection, or leave it to a process with fewer: for two milliseconds, as that one may hang."""
        if not self.places or self.nr_conns <= self.places.least():
            self._left_at = 0.0
        else:
            now = time.monotonic()
            if now - self._left_at > REMEMBERED:
                self._left_at = now
            if now - self._left_at < PATIENCE:
                time.sleep(PATIENCE / 20)  # gunicorn calls again at once
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

    # ---- slow clients ----

    def enqueue_req(self, conn: Untyped) -> None:
        conn.sock.begin()
        super().enqueue_req(conn)

    def handle(self, conn: Untyped) -> Untyped:
        if self.alive and not conn.initialized and not conn.wait_for_data(FIRST_BYTE):
            return gthread._DEFER
        return super().handle(conn)

    def _keepalive_after(self, conn: Untyped, keepalive: bool) -> bool:
        """Whether the connection goes on. It ends when the site answered without a body that is still on its way."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + FIRST_BYTE))

    def finish_request(self, conn: Untyped, fs: Future[Untyped]) -> None:
        if fs.cancelled() or fs.exception() or not fs.result():
            self._linger(conn)
        else:
            super().finish_request(conn, fs)

    def _linger(self, conn: Untyped) -> None:
        """End a connection so that the client can still read the answer (RFC 9112, 9.6), while no thread waits."""
        conn.timeout, conn.drained = time.monotonic() + LINGER, 0
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            is_over = self._is_drained(conn)
        except OSError:  # it is closed already
            is_over = True
        if is_over:
            self.nr_conns -= 1
            conn.close()
            return
        self.lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: Untyped, sock: object) -> None:
        if self._is_drained(conn):
            self._hang_up(conn)

    def _is_drained(self, conn: Untyped) -> bool:
        """Read on; whether the client has closed the connection, or sends more than anybody has to."""
        try:
            rest = conn.sock.recv(65_536)
        except BlockingIOError:
            return False
        except OSError:
            return True
        conn.drained += len(rest)
        return not rest or conn.drained > MOST_BYTES

    def _hang_up(self, conn: Untyped) -> None:
        self.lingering.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Hang up on connections that waited long enough. gunicorn calls this once a second."""
        super().murder_pending()
        while self.lingering and self.lingering[0].timeout <= time.monotonic():
            self._hang_up(self.lingering[0])

    # ---- requests ----

    def handle_request(self, req: Untyped, conn: Untyped) -> Untyped:
        conn.sock.is_in_head = False
        lengths = [int(value) for name, value in req.headers if name == "CONTENT-LENGTH"]
        if lengths and lengths[0] > MOST_BYTES:
            raise TooLargeError
        if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
            raise errors.InvalidHeader("HOST", req=req)  # required by RFC 9112, 3.2
        return super().handle_request(req, conn)

    def handle_error(self, req: object, client: Untyped, addr: object, exc: BaseException) -> None:
        answer = refusal(exc)
        if answer is None:
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("invalid request")  # the request and its address stay out of the log
        try:
            util.write_nonblock(client, answer)
        except OSError:
            self.log.debug("Failed to send error message.")
