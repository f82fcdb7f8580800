"""HTTP as no library would send it: bytes to a socket, and every answer that comes back."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from urllib.parse import urlsplit

from tests.waiting import PATIENCE

MOST_ANSWERS = 20


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def send(url: str, data: bytes, *, closes: bool = False, seconds: float = PATIENCE) -> list[Answer]:
    """All answers to these bytes, until the server hangs up or falls silent. `closes` ends our side first."""
    where = urlsplit(url)
    got = b""
    with socket.create_connection((where.hostname, where.port), timeout=seconds) as connection:
        try:
            connection.sendall(data)
            if closes:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                got += part
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
    return parse(got)


def parse(got: bytes) -> list[Answer]:
    """Answers one after the other (RFC 9112); what is cut off, or has no head, is left out."""
    answers: list[Answer] = []
    while got.startswith(b"HTTP/1.") and len(answers) < MOST_ANSWERS:
        head, _, rest = got.partition(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        headers = BytesParser().parsebytes(fields + b"\r\n\r\n", headersonly=True)
        body, got = _body(rest, headers)
        answers.append(Answer(int(line.split()[1]), headers, body))
    return answers


def _body(rest: bytes, headers: Message) -> tuple[bytes, bytes]:
    if (length := headers.get("Content-Length")) is not None:
        return rest[: int(length)], rest[int(length) :]
    if headers.get("Transfer-Encoding", "").lower() != "chunked":
        return rest, b""
    body = b""
    while match := re.match(rb"([0-9A-Fa-f]+)\r\n", rest):
        size, begin = int(match[1], 16), match.end()
        body, rest = body + rest[begin : begin + size], rest[begin + size + 2 :]
        if size == 0:
            break
    return body, rest


def request(
    target: str | bytes = "/",
    *,
    method: str | bytes = "GET",
    host: str | bytes | None = "localhost",
    headers: list[tuple[str | bytes, str | bytes]] = (),  # type: ignore[assignment]
    body: bytes = b"",
    version: bytes = b"HTTP/1.1",
    closing: bool = True,
) -> bytes:
    """One request, written as given: nothing is escaped, checked or added but Host, and Connection: close."""
    lines = [b" ".join((raw(method), raw(target), version))]
    if host is not None:
        lines.append(b"Host: " + raw(host))
    lines += [raw(name) + b": " + raw(value) for name, value in headers]
    if closing:
        lines.append(b"Connection: close")
    return b"\r\n".join([*lines, b"", body])


def form(fields: bytes, **how) -> bytes:
    """A POST of these bytes as a browser's form."""
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(fields)))]
    return request(how.pop("target", "/visits/find/"), method="POST", headers=headers, body=fields, **how)


def raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
