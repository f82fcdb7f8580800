"""Requests while PostgreSQL hangs: real servers and processes, stopped by SIGSTOP."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event

import psycopg
import pytest
from django.test import Client

from deploy.local import postgres
from revival.database import watchdog
from revival.database.backend import base
from revival.database.watchdog import DatabaseWatchdog, SilentDatabaseError, TimedConnection, WatchdogConnection
from tests.waiting import PATIENCE, wait_for

DEADLINE = 0.4  # seconds


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server nobody else uses, so that it can be stopped: its address, and the folder of its data."""
    folder = tmp_path_factory.mktemp("still")
    with postgres.database_url(folder, settings=postgres.FAST_AND_UNSAFE) as url:
        yield url, folder / "data"


@contextmanager
def standing_still(*pids: int):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.fixture(autouse=True)
def fresh_watchdog(monkeypatch, settings):
    settings.DATABASE_ANSWER_SECONDS = DEADLINE
    monkeypatch.setattr(watchdog, "watchdog", DatabaseWatchdog())


def test_a_backend_that_hangs_is_given_up_and_the_connection_closed(own_server):
    with TimedConnection.connect(own_server[0], autocommit=True) as connection:
        with standing_still(connection.info.backend_pid):
            began = time.monotonic()
            with pytest.raises(SilentDatabaseError):  # while the backend still hangs
                connection.execute("SELECT 1")
            took = time.monotonic() - began

        assert connection.closed
    assert took >= DEADLINE


def test_a_statement_that_is_given_up_does_not_go_on_at_the_server(own_server):
    with TimedConnection.connect(own_server[0], autocommit=True) as connection:
        pid = connection.info.backend_pid
        with pytest.raises(SilentDatabaseError):
            connection.execute("SELECT pg_sleep(3600)")

    with psycopg.connect(own_server[0], autocommit=True) as owner:
        is_there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        wait_for(lambda: owner.execute(is_there, [pid]).fetchone() == (0,))


def test_control_psycopg_alone_waits_on(own_server):
    connection = psycopg.connect(own_server[0], autocommit=True)
    with standing_still(connection.info.backend_pid):
        connection.pgconn.send_query(b"SELECT 1")
        time.sleep(DEADLINE + 0.2)
        connection.pgconn.consume_input()

        assert connection.pgconn.is_busy()
    connection.close()


def test_a_slow_answer_within_the_deadline_is_awaited(own_server, settings):
    settings.DATABASE_ANSWER_SECONDS = float(PATIENCE)
    with TimedConnection.connect(own_server[0], autocommit=True) as connection:
        assert connection.execute("SELECT 7 FROM pg_sleep(0.5)").fetchone() == (7,)


def test_without_a_deadline_a_command_waits_as_long_as_it_takes(own_server, settings):
    settings.DATABASE_ANSWER_SECONDS = 0.0
    with TimedConnection.connect(own_server[0], autocommit=True) as connection:
        assert connection.execute("SELECT 7 FROM pg_sleep(%s)", [2 * DEADLINE]).fetchone() == (7,)


def test_the_watcher_tells_everybody_and_nobody_asks_any_more(own_server, settings):
    settings.DATABASE_ANSWER_SECONDS = 60.0
    with WatchdogConnection.connect(own_server[0], autocommit=True) as watcher:
        with standing_still(watcher.info.backend_pid), pytest.raises(SilentDatabaseError):
            watcher.execute("SELECT 1")

    assert watchdog.watchdog.is_silent
    with pytest.raises(SilentDatabaseError):
        watchdog.watchdog.refuse_if_silent()
    with TimedConnection.connect(own_server[0], autocommit=True) as other:
        with pytest.raises(SilentDatabaseError):  # long before its own deadline
            other.execute("SELECT pg_sleep(3600)")


def test_one_that_waits_while_others_are_answered_is_no_silence(own_server, settings):
    """The watcher waits longer than it would take a silent database for; another connection is answered meanwhile."""
    settings.DATABASE_ANSWER_SECONDS = float(PATIENCE)
    with (
        WatchdogConnection.connect(own_server[0], autocommit=True) as watcher,
        TimedConnection.connect(own_server[0], autocommit=True) as other,
    ):
        is_over = Event()
        with ThreadPoolExecutor(1) as beside:
            beside.submit(ask_again_and_again, other, is_over)
            try:
                assert watcher.execute("SELECT 7 FROM pg_sleep(2.5)").fetchone() == (7,)
            finally:
                is_over.set()

    assert not watchdog.watchdog.is_silent


def ask_again_and_again(connection: psycopg.Connection, is_over: Event) -> None:
    while not is_over.wait(0.05):
        connection.execute("SELECT 1")


def test_a_request_is_refused_at_once_while_the_database_is_known_to_be_silent(db, monkeypatch):
    silent = DatabaseWatchdog()
    silent.is_silent = True
    monkeypatch.setattr(base, "watchdog", silent)
    client = Client(raise_request_exception=False)
    with ThreadPoolExecutor(1) as another_thread:  # which has no connection yet
        response = another_thread.submit(client.get, "/book/").result()

    assert response.status_code == 503
    assert "612-605-7594" in response.text
