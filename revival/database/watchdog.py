"""A database that hangs says nothing, and psycopg would wait for ever: here somebody looks at the clock.

The server's own statement_timeout is of no use when the server stands still, and over a socket file there is no
TCP that could give up. So every wait for an answer wakes up ten times a second and asks two things:

- has this one statement taken longer than DATABASE_ANSWER_SECONDS (one backend hangs)?
- did the watcher (revision in page_cache.py, which asks the database several times a second) hear nothing,
  and nobody else either (all of it hangs)? Then everybody stops waiting, and new requests do not begin to.

The second is quick where it has to be: once half the threads of the process wait in vain, half a second of
silence is enough, so that readers of kept pages always find a thread. With fewer it takes two seconds, since
a busy machine is no dead one. Silence is counted in wake-ups, not by the clock: a process that was itself
asleep has not listened.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import psycopg
from django.conf import settings

from .replication import SureConnection

MANY_WAIT = max(int(os.environ.get("WEB_THREADS", "8")) // 2, 1)
WAKE_UPS_IF_MANY_WAIT, WAKE_UPS = 5, 20  # a tenth of a second each: psycopg's own interval
CANCEL_SECONDS = 0.3  # somebody waits for a page meanwhile


class SilentDatabaseError(psycopg.OperationalError):
    """The database does not answer; the connection was given up."""


class Pulse:
    """What this process knows of the database: when it last said anything, and who waits for it."""

    def __init__(self) -> None:
        self.answers = 0
        self.is_silent = False
        self._waiting: set[int] = set()

    @contextmanager
    def somebody_waits(self) -> Iterator[None]:
        me = threading.get_ident()
        self._waiting.add(me)
        try:
            yield
        finally:
            self._waiting.discard(me)

    def lasts_too_long(self, wake_ups: int) -> bool:
        return wake_ups >= (WAKE_UPS_IF_MANY_WAIT if len(self._waiting) > MANY_WAIT else WAKE_UPS)

    def refuse_if_silent(self) -> None:
        """Raises SilentDatabaseError at once, instead of letting a request find out for itself."""
        if self.is_silent:
            raise SilentDatabaseError("the database does not answer")


pulse = Pulse()


class WatchedConnection(SureConnection):
    """A connection of which no wait is without end. Given up, it is closed, and the pool makes another."""

    is_watcher = False

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            with pulse.somebody_waits():
                return super().wait(self._awake(gen), interval, timeout)
        except SilentDatabaseError:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """The server is told, if it listens: a COMMIT that waits for a standby keeps its locks and its connection
        until one comes, whether or not anybody still asks for it."""
        if not pulse.is_silent:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_SECONDS)
        self.pgconn.finish()

    def _awake(self, gen: Any) -> Generator[Any, Any, Any]:
        """`gen` as it is, with a look at the clock whenever the wait wakes up with nothing to read."""
        began, heard, in_vain = monotonic(), pulse.answers, 0
        ready = None
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    pulse.answers += 1  # several threads may count one another's away: any change will do
                elif self.is_watcher:
                    heard, in_vain = pulse.answers, in_vain + 1 if heard == pulse.answers else 0
                    if pulse.lasts_too_long(in_vain):
                        pulse.is_silent = True
                        raise SilentDatabaseError("the database says nothing")
                elif pulse.is_silent or is_over(began):
                    raise SilentDatabaseError("the database did not answer in time")
                state = gen.send(ready)
        except StopIteration as end:
            return end.value


class WatchersConnection(WatchedConnection):
    """The one that tells silence from patience."""

    is_watcher = True


def is_over(began: float) -> bool:
    return bool(settings.DATABASE_ANSWER_SECONDS) and monotonic() - began > settings.DATABASE_ANSWER_SECONDS
