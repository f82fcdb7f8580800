"""A COMMIT whose wait for a standby was cut short, on a real server that waits for a standby that never comes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import psycopg
import pytest

from booking.actions import refusals
from revival import embedded_postgres
from revival.postgresql.commits import NotReplicatedError, SureConnection

WAITS = {"options": "-c synchronous_commit=on"}


@pytest.fixture(scope="module")
def lonely_leader(tmp_path_factory):
    """The address of a server whose synchronous standby is away."""
    folder = tmp_path_factory.mktemp("lonely")
    # From the start, not by a reload: a COMMIT that is quicker than the reload would not wait yet.
    settings = {**embedded_postgres.FAST_AND_UNSAFE, "synchronous_standby_names": "one_that_is_away"}
    with embedded_postgres.database_url(folder, settings=settings) as url:
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("CREATE TABLE promise (said text)")
        yield url


def rows(url):
    with psycopg.connect(url) as looking:
        return [said for (said,) in looking.execute("SELECT said FROM promise ORDER BY said")]


@contextmanager
def cut_short(url, kind):
    """A connection whose wait for a standby is cancelled as soon as it waits; whether it did wait."""
    waited = threading.Event()
    over = threading.Event()

    def cancel(pid):
        with psycopg.connect(url, autocommit=True) as owner:
            while not over.is_set():
                waits = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"
                if owner.execute(waits, [pid]).fetchone():
                    waited.set()
                    return
                time.sleep(0.02)

    connection = kind.connect(url, **WAITS)
    thread = threading.Thread(target=cancel, args=[connection.info.backend_pid])
    thread.start()
    try:
        yield connection, waited
    finally:
        over.set()
        thread.join()
        connection.close()


def test_what_no_standby_has_is_not_called_done(lonely_leader):
    with cut_short(lonely_leader, SureConnection) as (connection, _):
        connection.execute("INSERT INTO promise VALUES ('unsure')")
        with pytest.raises(NotReplicatedError):
            connection.commit()

    assert "unsure" in rows(lonely_leader)  # PostgreSQL itself calls it done


def test_control_psycopg_alone_calls_it_done(lonely_leader):
    with cut_short(lonely_leader, psycopg.Connection) as (connection, waited):
        connection.execute("INSERT INTO promise VALUES ('control')")
        connection.commit()

    assert waited.is_set()
    assert "control" in rows(lonely_leader)


def test_what_was_written_before_waits_too(lonely_leader):
    """A form that comes again writes nothing; `action` lets it wait nevertheless."""
    with cut_short(lonely_leader, SureConnection) as (connection, _):
        connection.execute(refusals.WAIT_FOR_A_STANDBY)
        with pytest.raises(NotReplicatedError):
            connection.commit()


def test_control_a_commit_that_wrote_nothing_does_not_wait(lonely_leader):
    with cut_short(lonely_leader, SureConnection) as (connection, waited):
        connection.execute("SELECT said FROM promise")
        connection.commit()

    assert not waited.is_set()


def test_other_warnings_are_no_doubt(lonely_leader):
    with cut_short(lonely_leader, SureConnection) as (connection, _):
        connection.execute("DO $$ BEGIN RAISE WARNING 'before the commit'; END $$")
        connection.commit()
