"""Image cache middleware: images in memory, so that cached pages have their pictures without the database.

The address of an image is the hash of its content, so only its deletion can change the answer. Each image is
read from the database once after every change of the site (its revision stamp), and from memory in between and
while the database is away. An image deleted at the desk is gone within a second.

Processes of one server also write each image to the folder they share, so that a process that has never read it
can send it while the database is away.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from articles.images.views import image_response

from .revision import revision
from .store import share

Handler = Callable[[HttpRequest], HttpResponse]

ADDRESS = re.compile(r"/images/([0-9a-f]{64})\.(avif|webp)")
MOST_BYTES = 32_000_000  # in each process; some hundred pictures
MOST_SHARED_BYTES = 128_000_000  # in the folder


@dataclass(frozen=True)
class Kept:
    content: bytes
    stamp: str | None


class Images:
    """Images by path; the least recently read go first when there are too many bytes."""

    def __init__(self) -> None:
        self._images: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, path: str) -> Kept | None:
        with self._lock:
            kept = self._images.get(path)
            if kept:
                self._images.move_to_end(path)
            return kept

    def keep(self, path: str, kept: Kept) -> None:
        with self._lock:
            self._drop(path)
            self._images[path] = kept
            self._bytes += len(kept.content)
            while self._bytes > MOST_BYTES:
                self._drop(next(iter(self._images)))

    def drop(self, path: str) -> None:
        with self._lock:
            self._drop(path)

    def _drop(self, path: str) -> None:
        if kept := self._images.pop(path, None):
            self._bytes -= len(kept.content)


images = Images()


def keep_images(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        path = request.path_info
        match = ADDRESS.fullmatch(path)
        if not match or request.method not in {"GET", "HEAD"} or not settings.PAGE_CACHE:
            return get_response(request)
        request.get_host()  # a kept image is sent before Django's own host check, which comes later in the chain
        revision.watch()
        stamp, kept = revision.stamp, images.get(path)
        if kept is None or stamp is None or kept.stamp != stamp:
            response = get_response(request)
            _remember(request, response, path, stamp)
            if response.status_code != 503:
                return response
            content = kept.content if kept else _shared(path)
            if content is None:
                return response
            kept = Kept(content, None)
        return image_response(request, kept.content, digest=match[1], form=match[2])

    return middleware


def _remember(request: HttpRequest, response: HttpResponse, path: str, stamp: str | None) -> None:
    if response.status_code == 404:
        images.drop(path)
        if file := _file(path):
            file.unlink(missing_ok=True)
    elif response.status_code == 200 and request.method == "GET":
        images.keep(path, Kept(response.content, stamp))
        _share(path, response.content)


# ---- between processes ----------------------------------------------------------------------


def _file(path: str) -> Path | None:
    folder = os.environ.get("REVIVAL_PAGES_DIR")
    return Path(folder) / path.rpartition("/")[2] if folder else None


def _shared(path: str) -> bytes | None:
    file = _file(path)
    try:
        return file.read_bytes() if file else None
    except OSError:
        return None


def _share(path: str, content: bytes) -> None:
    file = _file(path)
    if file is None or file.exists():
        return
    share(file, content)
    oldest_first = sorted(_shared_files(file.parent))
    total = sum(size for _, size, _ in oldest_first)
    for _, size, old in oldest_first:
        if total <= MOST_SHARED_BYTES:
            break
        old.unlink(missing_ok=True)
        total -= size


def _shared_files(folder: Path) -> list[tuple[float, int, Path]]:
    found = []
    for file in [*folder.glob("*.webp"), *folder.glob("*.avif")]:
        try:
            facts = file.stat()
        except FileNotFoundError:  # another process has deleted it
            continue
        found.append((facts.st_mtime, facts.st_size, file))
    return found
