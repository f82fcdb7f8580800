"""Client-side time limits for database answers (psycopg has none), and detection of a hung database.

The server's own statement_timeout does not help when the server itself stands still, and a socket file has no
TCP time-out. So every wait for an answer wakes up ten times a second and checks two things:

- Has this one statement taken longer than DATABASE_ANSWER_SECONDS? Then one backend hangs.
- Has the watcher thread (revival/page_cache/revision.py, which queries several times a second) received nothing,
  and no other connection either? Then the whole database hangs: all requests stop waiting, and new ones are refused.

The second check is fast where it matters: once half the threads of the process wait, half a second
without any answer is enough, so that readers of cached pages always find a free thread. Otherwise it takes two
seconds, because a busy machine is not a dead one. The check counts wake-ups and not seconds: a process that was
itself suspended has received nothing either.

The first check alone was weighed on 2026-11-24: until its limit all threads would wait, and readers with them. Web
processes recover without a restart; the worker ends, and systemd starts it again. `make drill ARGS=hang` shows it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import psycopg
from django.conf import settings
from psycopg.abc import RV, PQGen

from .replication import SyncReplicationConnection

log = logging.getLogger(__name__)

MANY_WAIT = max(int(os.environ.get("WEB_THREADS", "8")) // 2, 1)
WAKE_UPS_IF_MANY_WAIT, WAKE_UPS = 5, 20  # a tenth of a second each: psycopg's own interval
CANCEL_SECONDS = 0.3  # short, because a visitor waits for the page meanwhile


class SilentDatabaseError(psycopg.OperationalError):
    """The database did not answer in time; the connection was closed."""


class DatabaseWatchdog:
    """State of the database as this process sees it: answers received, threads waiting, whether it hangs."""

    def __init__(self) -> None:
        self.answers = 0
        self.is_silent = False
        self._is_logged = False
        self._waiting_threads: set[int] = set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the current thread among those that wait for the database."""
        thread = threading.get_ident()
        self._waiting_threads.add(thread)
        try:
            yield
        finally:
            self._waiting_threads.discard(thread)

    def is_hung_after(self, wake_ups: int) -> bool:
        """Whether the database counts as hung after so many wake-ups without an answer."""
        return wake_ups >= (WAKE_UPS_IF_MANY_WAIT if len(self._waiting_threads) > MANY_WAIT else WAKE_UPS)

    def note_silence(self) -> None:
        """Refuse new requests from now on; logged once per outage."""
        self.is_silent = True
        if not self._is_logged:
            log.warning("the database is away; pages seen before keep answering")
        self._is_logged = True

    def note_recovery(self) -> None:
        self.is_silent = self._is_logged = False

    def refuse_if_silent(self) -> None:
        """Raises SilentDatabaseError at once, so that no request waits for a database known to hang."""
        if self.is_silent:
            raise SilentDatabaseError("the database does not answer")


watchdog = DatabaseWatchdog()


class TimedConnection(SyncReplicationConnection):
    """Connection with a time limit on every wait. After it the connection is closed, and the pool makes another."""

    is_watcher = False

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Raises SilentDatabaseError when the answer takes too long."""
        try:
            with watchdog.waiting():
                return super().wait(self._timed(gen), interval, timeout)
        except SilentDatabaseError:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Cancel the statement at the server if it still answers: a COMMIT that waits for a standby would keep its
        locks and its connection until one comes, although no client waits for it any more."""
        if not watchdog.is_silent:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_SECONDS)
        self.pgconn.finish()

    def _timed(self, gen: PQGen[RV]) -> PQGen[RV]:
        """`gen` unchanged, with the time limits checked whenever a wait wakes up with nothing to read."""
        began, last_answers, silent_wake_ups = monotonic(), watchdog.answers, 0
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    watchdog.answers += 1  # threads may lose one another's counts: any change will do
                elif self.is_watcher:
                    is_unchanged = last_answers == watchdog.answers
                    last_answers, silent_wake_ups = watchdog.answers, silent_wake_ups + 1 if is_unchanged else 0
                    if watchdog.is_hung_after(silent_wake_ups):
                        watchdog.is_silent = True
                        raise SilentDatabaseError("the database says nothing")
                elif watchdog.is_silent or is_over(began):
                    raise SilentDatabaseError("the database did not answer in time")
                state = gen.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result


class WatchdogConnection(TimedConnection):
    """The watcher thread's connection: decides whether the whole database hangs."""

    is_watcher = True


def is_over(began: float) -> bool:
    """Whether a statement has waited longer than DATABASE_ANSWER_SECONDS (0: no limit); `began` by `monotonic()`."""
    return bool(settings.DATABASE_ANSWER_SECONDS) and monotonic() - began > settings.DATABASE_ANSWER_SECONDS
