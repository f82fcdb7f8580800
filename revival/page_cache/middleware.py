"""Public pages rendered once and kept, until the site's revision changes.

The revision is a stamp in the database that triggers change with every write to content
(articles/migrations/*_site_revision.py). One thread per process reads it each second, beside the
requests: a request takes the last stamp read and never waits, also when the database hangs. With
the database away the last stamp stays, and pages seen before keep answering.

A page is kept under the stamp known *before* it was rendered. So one rendered while content
changed is thrown away with the next stamp, never kept under it.

Processes of one server share what they rendered through a folder (deploy/gunicorn.conf.py makes
it), so a page seen once answers from each of them.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import psycopg
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

from revival.database.watchdog import WatchersConnection, pulse
from revival.site.context import IS_STALE

from . import last_pages
from .atomic_write import write_whole

log = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]

KEPT = {
    "home",
    "articles:list",
    "articles:detail",
    "articles:faq",
    "articles:feed",
    "therapists:list",
    "therapists:detail",
    "sitemap",
}
MOST_PAGES = 300
CACHE_CONTROL = "public, max-age=60, stale-if-error=86400"
SECONDS_BETWEEN_READS = 0.25  # also how soon a database that hangs is found out (revival/database/watchdog.py)
SECONDS_BETWEEN_TRIES = 0.1  # while the database is away
WATCHING: dict[str, Any] = {"autocommit": True, "connect_timeout": 2, "prepare_threshold": None}
LOCK_TIMEOUT = "SELECT set_config('lock_timeout', '300', true)"
"""A table that is locked (a migration) is no silence: it is said so, and the last stamp stays. Set in each transaction,
as nothing that a session sets survives PgBouncer; nor does a statement it prepares."""

# The revision, and the last moment at which a page changed by itself: an article appeared, expired,
# or fell due for review (a clinic-local date). The moment comes from this process's clock, as it is
# this clock that decides what a page rendered here shows.
READ_STAMP = """
SELECT
    revision.number || ' ' || coalesce(max(moment)::text, ''),
    EXISTS (SELECT FROM articles_article WHERE expires_at > %(now)s)
FROM articles_siterevision AS revision
LEFT JOIN (
    SELECT published_at AS moment FROM articles_article
    UNION ALL SELECT expires_at FROM articles_article
    UNION ALL SELECT next_review_on::timestamp AT TIME ZONE
        coalesce((SELECT time_zone FROM booking_clinic LIMIT 1), 'UTC') FROM articles_article
) AS moments ON moment <= %(now)s
GROUP BY revision.number
"""


NEWLY_SAID = {"content-length", "content-encoding", "etag", "vary", "cache-control"}


@dataclass(frozen=True)
class Page:
    """One page in the three forms browsers take; each form has an ETag of its own."""

    headers: dict[str, str]
    """What the page was rendered with, its policy and type among them."""
    bodies: dict[str, bytes]
    etags: dict[str, str]

    @classmethod
    def of(cls, response: HttpResponse) -> Page:
        plain = response.content
        bodies = {
            "": plain,
            "gzip": gzip.compress(plain, 9, mtime=0),
            "br": brotli.compress(plain, mode=brotli.MODE_TEXT, quality=9),
        }
        digest = hashlib.sha256(plain).hexdigest()[:24]
        etags = {coding: f'"{digest}{"-" + coding if coding else ""}"' for coding in bodies}
        headers = {name: value for name, value in response.items() if name.lower() not in NEWLY_SAID}
        return cls(headers, bodies, etags)

    def answer(self, request: HttpRequest) -> HttpResponse:
        coding = best_coding(request.headers.get("Accept-Encoding", ""))
        if is_known(self.etags[coding], request.headers.get("If-None-Match", "")):
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
        response["Cache-Control"] = CACHE_CONTROL
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


def is_known(etag: str, if_none_match: str) -> bool:
    known = parse_etags(if_none_match)
    return "*" in known or etag in (tag.removeprefix("W/") for tag in known)


class Revision:
    """The site's stamp as this process last read it."""

    def __init__(self) -> None:
        self.stamp: str | None = None
        self._pid = 0
        self._is_said = False
        self._start = threading.Lock()

    def watch(self) -> None:
        """Start the thread, once per process: a fork has none of its parent's threads."""
        if self._pid == os.getpid():
            return
        with self._start:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._read_for_ever, name="site-revision", daemon=True).start()

    def _read_for_ever(self) -> None:
        while True:
            has_answered = False
            try:
                # A connection of its own: requests must not wait for this one, nor it for them.
                with WatchersConnection.connect(**{**connection_parameters(), **WATCHING}) as database:
                    while True:
                        self._read(database)
                        if pulse.is_silent:
                            drop_pool()
                            pulse.is_silent = self._is_said = False
                        has_answered = True
                        time.sleep(SECONDS_BETWEEN_READS)
            except psycopg.OperationalError:
                drop_pool()
                if not has_answered:  # else only this one connection was ended, perhaps: look at once
                    self._note_silence()
            except Exception as error:
                log.warning("the site's revision cannot be read: %s", type(error).__name__)
                time.sleep(SECONDS_BETWEEN_READS)
            time.sleep(SECONDS_BETWEEN_TRIES)

    def _note_silence(self) -> None:
        pulse.is_silent = True
        if not self._is_said:
            log.warning("the database is away; pages seen before keep answering")
        self._is_said = True

    def _read(self, database: psycopg.Connection[Any]) -> None:
        try:
            with database.transaction():
                database.execute(LOCK_TIMEOUT)
                row = database.execute(READ_STAMP, {"now": datetime.now(UTC)}).fetchone()
        except psycopg.errors.LockNotAvailable:
            return
        stamp, is_ending = row or (None, False)
        if stamp != self.stamp:
            # Before any request learns of it. What ends by itself would stay if this process died before.
            last_pages.turn_to(shared_name(stamp) if stamp and not is_ending else None)
            self.stamp = stamp


def drop_pool() -> None:
    """Let the next request begin a new pool of connections.

    After an outage the old one is full of dead connections and of attempts that wait ever longer:
    it went on refusing requests for 20 seconds with the database back.
    """
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    if pool := wrapper._connection_pools.pop(DEFAULT_DB_ALIAS, None):
        pool.close(timeout=0)  # not waiting for threads of it that hang, too


def connection_parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {
        key: value
        for key, value in parameters.items()
        if key in {"dbname", "user", "password", "host", "port", "target_session_attrs"} or key.startswith("ssl")
    }


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
        self._keep_here(path, stamp, page)
        if shared := shared_file(path, stamp):
            share(shared, pickle.dumps(page))

    def _keep_here(self, path: str, stamp: str, page: Page) -> None:
        with self._lock:
            if stamp != self._stamp:
                if revision.stamp not in (None, stamp):  # drawn before the newest change: too late to be kept
                    return
                self._pages.clear()
                self._stamp = stamp
                drop_shared_but(stamp)
            self._pages[path] = page
            while len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)

    def _take_shared(self, path: str, stamp: str) -> Page | None:
        shared = shared_file(path, stamp)
        try:
            content = shared.read_bytes() if shared else b""
        except FileNotFoundError:
            content = b""
        if not content:
            return None
        page: Page = pickle.loads(content)  # noqa: S301 - our own file, in a folder only we can write to
        self._keep_here(path, stamp, page)
        return page


def shared_file(path: str, stamp: str) -> Path | None:
    folder = os.environ.get("REVIVAL_PAGES_DIR")
    return Path(folder) / f"{short(stamp)}-{short(path)}" if folder else None


def shared_name(stamp: str) -> str:
    """Of a revision of the content, as this start of the code shows it."""
    return short(stamp + os.environ.get("REVIVAL_PAGES_DIR", ""))


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def drop_shared_but(stamp: str) -> None:
    folder = os.environ.get("REVIVAL_PAGES_DIR")
    for file in Path(folder).glob("*-*") if folder else ():
        if not file.name.startswith(short(stamp)):
            with suppress(OSError):  # gone already, or in a folder that nobody can write to any more
                file.unlink()


def share(target: Path, content: bytes) -> None:
    """For the other processes. A full or missing disk only costs the sharing."""
    try:
        write_whole(target, content)
    except OSError as error:
        log.warning("a page cannot be shared: %s", error)


revision = Revision()
pages = Pages()


def keep_pages(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_plain_look(request):
            return get_response(request)
        revision.watch()
        stamp = revision.stamp  # before rendering: see above
        page = pages.get(request.path_info, stamp) if stamp else None
        if page:
            return page.answer(request)
        response = get_response(request)
        if not is_public(request):
            return response
        if not is_whole_page(request, response):
            return response
        page = Page.of(response)
        if stamp:
            pages.keep(request.path_info, stamp, page)
            last_pages.keep(request.path_info, shared_name(stamp), response)
        return page.answer(request)

    return middleware


def is_plain_look(request: HttpRequest) -> bool:
    """An anonymous reader asks for an address without a query; with one it is rendered each time."""
    if request.method not in {"GET", "HEAD"} or request.META.get("QUERY_STRING"):
        return False
    if request.path_info.startswith(settings.STATIC_URL):
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False  # it is sent on to https
    if settings.SESSION_COOKIE_NAME in request.COOKIES or not settings.PAGE_CACHE:
        return False
    try:
        request.get_host()  # the host check comes later in the chain; a kept page passes it too
    except DisallowedHost:
        return False
    return True


def is_public(request: HttpRequest) -> bool:
    """Whether the page that was just rendered is one of those that may be kept."""
    return request.resolver_match is not None and request.resolver_match.view_name in KEPT


def is_whole_page(request: HttpRequest, response: HttpResponse) -> bool:
    return (
        response.status_code == 200
        and not response.streaming
        and not response.cookies
        and not response.has_header("Cache-Control")  # a view that says more knows better
        and not getattr(request, "_csp_nonce", None)  # its policy is for this one answer
        and request.method == "GET"
        and not request.META.get(IS_STALE)
    )
