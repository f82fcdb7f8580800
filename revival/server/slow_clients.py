"""Time limit for clients that send or read slowly: each request may keep a thread waiting for so long and no longer.

gunicorn has no such limit: its `timeout` is for a whole process, and a socket's own timeout begins anew with each byte.
So both directions are counted here, below gunicorn's parser and below the reading of the body. A request has to arrive
in SECONDS from its first byte, head and body together, and an answer has to be taken in SECONDS; each gets one second
more for every BYTES_A_SECOND that did move. A client gains no time by promising a large Content-Length, and a body in
chunks, which promises none, needs no rule of its own. Idle connections are not counted: they wait in gunicorn's poller.

nginx in front takes whole requests before it asks gunicorn (deploy/nginx.conf.template), so there this never happens.
Weighed on 2026-11-30: SO_RCVTIMEO on the listener lets a body of a byte a second through; gunicorn's hook `pre_request`
comes after the head.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import TConn

SECONDS = float(os.environ.get("REQUEST_SECONDS", "10"))
BYTES_A_SECOND = float(os.environ.get("REQUEST_BYTES_A_SECOND", "50000"))
MOST_BYTES = 12_000_000  # of one request; nginx lets 11 MiB through, for a picture of 10 MB and the form around it
PIECE = 262_144  # bytes of a file that are sent at once


class TooSlowError(errors.ParseException):
    """The head of a request did not arrive in time. (Of a body the site learns by a TimeoutError.)"""


class TooLargeError(errors.ParseException):
    """A request says that it has more than MOST_BYTES. (Of one that only has them the site learns by an OSError.)"""


class TimedSocket(socket.socket):
    """A client's connection, on which reading and writing end when the time of the request is over."""

    is_in_head = True
    is_late = False
    """Whether the time was over or too much was sent, so that the connection ends with this request."""
    _began_at = 0.0
    _received = _sent = 0
    _waited = 0.0  # seconds, for the client to take the answer

    def begin(self) -> None:
        """The first byte of a request is here, or a new connection."""
        self._began_at, self._received, self._sent, self._waited = time.monotonic(), 0, 0, 0.0
        self.is_in_head = True

    def seconds_left(self) -> float:
        """Seconds in which the rest of the request has to arrive, as far as is known now."""
        return self._began_at + SECONDS + self._received / BYTES_A_SECOND - time.monotonic()

    def recv(self, size: int, flags: int = 0) -> bytes:
        limit = self.gettimeout()
        if limit == 0:  # in the poller, where nobody waits
            return super().recv(size, flags)
        if self._received > MOST_BYTES:
            self.is_late = True
            raise OSError(errno.EMSGSIZE, "more than MOST_BYTES")
        left = max(self.seconds_left(), 0)  # what came while the request waited for a thread is read in any case
        self.settimeout(left if limit is None else min(left, limit))
        try:
            data = super().recv(size, flags)
        except (TimeoutError, BlockingIOError):
            raise self._late() from None
        finally:
            self.settimeout(limit)
        self._received += len(data)
        return data

    def _late(self) -> Exception:
        self.is_late = True
        return TooSlowError() if self.is_in_head else TimeoutError("the client is too slow")

    # Any: as in Python's own signature, what is sent is anything that holds bytes.
    def sendall(self, data: Any, flags: int = 0) -> None:
        limit = self.gettimeout()
        if limit == 0:
            super().sendall(data, flags)
            return
        left = SECONDS + (self._sent + len(data)) / BYTES_A_SECOND - self._waited
        began_at = time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            self.settimeout(left)  # for all of it, not for each piece that leaves
            super().sendall(data, flags)
        except TimeoutError:
            self.is_late = True
            raise BrokenPipeError(errno.EPIPE, "the client does not take the answer") from None
        finally:
            self.settimeout(limit)
        self._sent += len(data)
        self._waited += time.monotonic() - began_at

    # Any: see above.
    def send(self, data: Any, flags: int = 0) -> int:
        self.sendall(data, flags)
        return len(data)

    # Any: as in Python's own signature, what can be read as bytes.
    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file in pieces, as Python's own waits anew for each piece that the client takes."""
        file.seek(offset)
        sent = 0
        while data := file.read(PIECE if count is None else min(PIECE, count - sent)):
            self.sendall(data)
            sent += len(data)
        return sent


class Connection(TConn):
    """gunicorn's connection with a TimedSocket."""

    # Any: gunicorn has no types.
    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        timed = TimedSocket(sock.family, sock.type, sock.proto, fileno=sock.detach())
        super().__init__(cfg, timed, client, server)
