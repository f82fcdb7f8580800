"""Races: many at once against the real database, and the guards taken away as controls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, models

from booking import actions
from booking.actions import free
from booking.models import Absence, AffectedVisit, Appointment, Message, Outage
from tests.waiting import PATIENCE


def run_together(work: Callable[[int], Any], count: int, *, prepare: Callable[[], object] = lambda: None) -> list[Any]:
    """Call `work(n)` in so many threads, released together once each has done `prepare()`; the results by number."""
    start_line = threading.Barrier(count)

    def run(number: int) -> Any:
        prepare()
        start_line.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def all_at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    """The same with a database connection for each; a refusal is a result, too."""

    def run(number: int) -> Any:
        try:
            return work(number)
        except actions.RefusalError as refusal:
            return refusal
        finally:
            connection.close()

    # Not the bound method: `connection` is looked up in each thread, which has one of its own.
    return run_together(run, count, prepare=lambda: connection.ensure_connection())


def sqlstates(outcomes: Iterable[Any]) -> set[str]:
    """The database's SQLSTATE for each refusal; empty when the lock had decided before."""
    causes = [outcome.__cause__.__cause__ for outcome in outcomes if getattr(outcome, "__cause__", None)]
    return {cause.sqlstate for cause in causes}


def assert_disjoint(visits: Iterable[Appointment]) -> None:
    spans = sorted((visit.blocked.lower, visit.blocked.upper) for visit in visits)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


# ---- controls -------------------------------------------------------------------------------


def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let actions lock no therapist."""
    monkeypatch.setattr(free, "lock_therapists", lambda ids, *, now: None)


def wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    count: int,
    *,
    seconds: float = PATIENCE,
    is_before: bool = False,
) -> None:
    """Let `count` threads wait for each other after (or before) `owner.name`, so that each has seen the time free.

    The second try of a deadlock victim comes alone, and waits for nobody. Where a lock keeps the others away, the
    first goes on after `seconds`.
    """
    together, function, this_thread = threading.Barrier(count), getattr(owner, name), threading.local()

    def wait() -> None:
        if getattr(this_thread, "has_met", False):
            return
        this_thread.has_met = True
        with suppress(threading.BrokenBarrierError):
            together.wait(seconds)

    def call(*args: Any, **kwargs: Any) -> Any:
        if is_before:
            wait()
        result = function(*args, **kwargs)
        if not is_before:
            wait()
        return result

    monkeypatch.setattr(owner, name, call)


@contextmanager
def without_constraint(model: type[models.Model], name: str) -> Iterator[None]:
    """Take a constraint away. Before it comes back, the rows that may break it are deleted."""
    constraint = next(constraint for constraint in model._meta.constraints if constraint.name == name)
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    yield
    for table in (Message, AffectedVisit, Outage, Absence, Appointment):
        table._default_manager.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(model, constraint)
