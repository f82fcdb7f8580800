"""Rendered pages in memory, shared between the processes of one server through a folder.

deploy/gunicorn.conf.py makes the folder, REVIVAL_PAGES_DIR, so a page rendered once answers from each process.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import brotli
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

from .atomic_write import write_atomically
from .revision import revision, short_digest

log = logging.getLogger(__name__)

MOST_PAGES = 300
CACHE_CONTROL = "public, max-age=60, stale-if-error=86400"
CACHE_CONTROL_WITH_SESSION = "private, no-cache"
"""For whoever may be an editor: their browser asks again, so that they see their own change at once."""
CODINGS = ("", "gzip", "br")
HEADERS_SET_HERE = {"content-length", "content-encoding", "etag", "vary", "cache-control"}


class NotAPageError(Exception):
    """A shared file is damaged."""


@dataclass(frozen=True)
class Page:
    """One page in three encodings (identity, gzip, brotli), each with an ETag of its own."""

    headers: dict[str, str]
    """As the page was rendered, its content type and security policy among them; without HEADERS_SET_HERE."""
    bodies: dict[str, bytes]
    etags: dict[str, str]

    @classmethod
    def from_response(cls, response: HttpResponse) -> Page:
        content = response.content
        bodies = {
            "": content,
            "gzip": gzip.compress(content, 9, mtime=0),
            "br": brotli.compress(content, mode=brotli.MODE_TEXT, quality=9),
        }
        digest = hashlib.sha256(content).hexdigest()[:24]
        etags = {coding: f'"{digest}{"-" + coding if coding else ""}"' for coding in bodies}
        headers = {name: value for name, value in response.items() if name.lower() not in HEADERS_SET_HERE}
        return cls(headers, bodies, etags)

    def to_bytes(self) -> bytes:
        """A line of JSON with headers, ETags and lengths, then the bodies one after the other."""
        lengths = {coding: len(body) for coding, body in self.bodies.items()}
        head = json.dumps({"headers": self.headers, "etags": self.etags, "lengths": lengths})
        return b"".join([head.encode(), b"\n", *self.bodies.values()])

    @classmethod
    def from_bytes(cls, content: bytes) -> Page:
        """Reads what `to_bytes` wrote. Raises NotAPageError for anything else."""
        line, _, rest = content.partition(b"\n")
        bodies: dict[str, bytes] = {}
        try:
            head = json.loads(line)
            for coding in CODINGS:
                length = head["lengths"][coding]
                bodies[coding], rest = rest[:length], rest[length:]
            page = cls(dict(head["headers"]), bodies, {coding: head["etags"][coding] for coding in CODINGS})
            is_whole = not rest and {coding: len(body) for coding, body in bodies.items()} == head["lengths"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotAPageError from error
        if not is_whole:
            raise NotAPageError
        return page

    def answer(self, request: HttpRequest, *, has_session: bool = False) -> HttpResponse:
        """The page in the encoding the browser accepts, or 304 if the browser has it."""
        coding = best_coding(request.headers.get("Accept-Encoding", ""))
        if has_etag(self.etags[coding], request.headers.get("If-None-Match", "")):
            response = HttpResponse(status=304, headers=self.headers)
            del response["Content-Type"]
        else:
            body = self.bodies[coding]
            response = HttpResponse(b"" if request.method == "HEAD" else body, headers=self.headers)
            response["Content-Length"] = str(len(body))
            if coding:
                response["Content-Encoding"] = coding
        response["ETag"] = self.etags[coding]
        response["Vary"] = "Accept-Encoding"
        response["Cache-Control"] = CACHE_CONTROL_WITH_SESSION if has_session else CACHE_CONTROL
        return response


def best_coding(accepted: str) -> str:
    """`br`, `gzip` or "" of an Accept-Encoding header (RFC 9110, 12.5.3); q=0 means no."""
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, _, parameter = item.partition(";")
        try:
            weights[name.strip()] = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weights[name.strip()] = 0
    others = weights.get("*", 0)
    return next((coding for coding in ("br", "gzip") if weights.get(coding, others) > 0), "")


def has_etag(etag: str, if_none_match: str) -> bool:
    """Whether the browser has this version, by its If-None-Match header (RFC 9110, 13.1.2)."""
    etags = parse_etags(if_none_match)
    return "*" in etags or etag in (tag.removeprefix("W/") for tag in etags)


class Pages:
    """Pages by path, all of one stamp; the least recently read goes first when there are too many."""

    def __init__(self) -> None:
        self._stamp: str | None = None
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: str, stamp: str) -> Page | None:
        with self._lock:
            page = self._pages.get(path) if stamp == self._stamp else None
            if page:
                self._pages.move_to_end(path)
        return page or self._take_shared(path, stamp)

    def keep(self, path: str, stamp: str, page: Page) -> None:
        """Keep a page in memory and in the folder. `stamp` is the one known before the page was rendered."""
        self._keep_in_memory(path, stamp, page)
        if file := shared_file(path, stamp):
            share(file, page.to_bytes())

    def _keep_in_memory(self, path: str, stamp: str, page: Page) -> None:
        with self._lock:
            if stamp != self._stamp:
                if revision.stamp not in (None, stamp):  # rendered before the newest change: out of date already
                    return
                self._pages.clear()
                self._stamp = stamp
                drop_shared_except(stamp)
            self._pages[path] = page
            while len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)

    def _take_shared(self, path: str, stamp: str) -> Page | None:
        file = shared_file(path, stamp)
        try:
            content = file.read_bytes() if file else b""
        except FileNotFoundError:
            content = b""
        if not content:
            return None
        try:
            page = Page.from_bytes(content)
        except NotAPageError:
            log.warning("a shared page cannot be read and is rendered anew")
            return None
        self._keep_in_memory(path, stamp, page)
        return page


pages = Pages()


# ---- the folder shared between processes ----


def shared_file(path: str, stamp: str) -> Path | None:
    """Where the page is shared; None when the processes share no folder."""
    folder = os.environ.get("REVIVAL_PAGES_DIR")
    return Path(folder) / f"{short_digest(stamp)}-{short_digest(path)}" if folder else None


def drop_shared_except(stamp: str) -> None:
    folder = os.environ.get("REVIVAL_PAGES_DIR")
    for file in Path(folder).glob("*-*") if folder else ():
        if not file.name.startswith(short_digest(stamp)):
            with suppress(OSError):  # gone already, or in a folder that nobody can write to any more
                file.unlink()


def share(target: Path, content: bytes) -> None:
    """Write a file for the other processes. A full or missing disk costs only the sharing, so it is no error."""
    try:
        write_atomically(target, content)
    except OSError as error:
        log.warning("a page cannot be shared: %s", error)
