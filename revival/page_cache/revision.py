"""The site's revision stamp, read from the database several times a second by a thread of its own.

The revision is a number that triggers raise with every write to content (articles/migrations/*_site_revision.py).
One thread in each process reads it, beside the requests: a request takes the last stamp read and never waits, also
when the database hangs. With the database away the last stamp stays, and pages seen before keep answering.

The same thread is the one that detects a hung database (revival/database/watchdog.py).
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from revival.database.pool import connection_parameters, drop_pool
from revival.database.watchdog import WatchdogConnection, watchdog

from . import last_pages

log = logging.getLogger(__name__)

SECONDS_BETWEEN_READS = 0.25  # also how soon a hung database is detected (revival/database/watchdog.py)
SECONDS_BETWEEN_TRIES = 0.1  # while the database is away
# Any: each setting has a type of its own.
CONNECTION_SETTINGS: dict[str, Any] = {"autocommit": True, "connect_timeout": 2, "prepare_threshold": None}
LOCK_TIMEOUT = "SELECT set_config('lock_timeout', '300', true)"
"""Milliseconds. While a table is locked (a migration) the read fails, and the last stamp stays; the database is not
silent then. Set in each transaction, as neither session settings nor prepared statements survive PgBouncer."""

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


class Revision:
    """The site's stamp as this process last read it."""

    def __init__(self) -> None:
        self.stamp: str | None = None
        self._pid = 0
        self._start = threading.Lock()

    def watch(self) -> None:
        """Start the thread, once per process: a fork has none of its parent's threads."""
        if self._pid == os.getpid():
            return
        with self._start:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._read_forever, name="site-revision", daemon=True).start()

    def _read_forever(self) -> None:
        while True:
            has_answered = False
            try:
                # A connection of its own: requests must not wait for this one, nor it for them.
                with WatchdogConnection.connect(**{**connection_parameters(), **CONNECTION_SETTINGS}) as database:
                    while True:
                        self._read(database)
                        if watchdog.is_silent:
                            drop_pool()
                            watchdog.note_recovery()
                        has_answered = True
                        time.sleep(SECONDS_BETWEEN_READS)
            except psycopg.OperationalError:
                drop_pool()
                if not has_answered:  # otherwise perhaps only this connection was closed: try again first
                    watchdog.note_silence()
            except Exception as error:
                log.warning("the site's revision cannot be read: %s", type(error).__name__)
                time.sleep(SECONDS_BETWEEN_READS)
            time.sleep(SECONDS_BETWEEN_TRIES)

    def _read(self, database: psycopg.Connection) -> None:
        try:
            with database.transaction():
                database.execute(LOCK_TIMEOUT)
                row = database.execute(READ_STAMP, {"now": datetime.now(UTC)}).fetchone()
        except psycopg.errors.LockNotAvailable:
            return
        stamp, is_article_expiring = row or (None, False)
        if stamp != self.stamp:
            # Before any request learns of it. While an article is going to expire there are no last pages: nobody
            # could take them away if this process died before.
            last_pages.turn_to(revision_name(stamp) if stamp and not is_article_expiring else None)
            self.stamp = stamp


def revision_name(stamp: str) -> str:
    """The folder of a revision's last pages; another one after each start of the code."""
    return short_digest(stamp + os.environ.get("REVIVAL_PAGES_DIR", ""))


def short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


revision = Revision()
