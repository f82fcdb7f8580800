"""A COMMIT whose wait for a standby was cut short, on a real server that waits for a standby that never comes."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from deploy.local import postgres
from revival.base import refusals
from revival.database.replication import NotReplicatedError, SyncReplicationConnection
from tests.databases import bring_filled_template
from tests.factories import typed_details
from tests.guest import Guest, free_starts, hidden_fields
from tests.running import running_site
from tests.waiting import wait_for

WAITS = {"options": "-c synchronous_commit=on"}


@pytest.fixture(scope="module")
def lonely_leader(tmp_path_factory):
    """The address of a server whose synchronous standby is away."""
    folder = tmp_path_factory.mktemp("lonely")
    # From the start, not by a reload: a COMMIT that is quicker than the reload would not wait yet.
    settings = {**postgres.FAST_AND_UNSAFE, "synchronous_standby_names": "one_that_is_away"}
    with postgres.database_url(folder, settings=settings) as url:
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
    with cut_short(lonely_leader, SyncReplicationConnection) as (connection, _):
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
    with cut_short(lonely_leader, SyncReplicationConnection) as (connection, _):
        connection.execute(refusals.WAIT_FOR_A_STANDBY)
        with pytest.raises(NotReplicatedError):
            connection.commit()


def test_control_a_commit_that_wrote_nothing_does_not_wait(lonely_leader):
    with cut_short(lonely_leader, SyncReplicationConnection) as (connection, waited):
        connection.execute("SELECT said FROM promise")
        connection.commit()

    assert not waited.is_set()


def test_other_warnings_are_no_doubt(lonely_leader):
    with cut_short(lonely_leader, SyncReplicationConnection) as (connection, _):
        connection.execute("DO $$ BEGIN RAISE WARNING 'before the commit'; END $$")
        connection.commit()


# ---- the whole site, whose database waits for a standby that is away ------------------------------

SLOTS, COMMITS = "/book/peter-stanley/consultation/", "wait_event = 'SyncRep' AND query ILIKE 'commit%'"
COUNTS = "wait_event = 'SyncRep' AND query ILIKE '%booking_dailycount%'"
"""A network's booking is counted first, and taken back when it fails: statements that are transactions of their own."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A running site on a server of its own."""
    folder = tmp_path_factory.mktemp("alone")
    settings = {**postgres.FAST_AND_UNSAFE, "synchronous_commit": "on"}
    with postgres.database_url(folder / "postgres", settings=settings) as url:
        bring_filled_template(url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", url)
            with running_site("revival_alone", folder, {"WEB_WORKERS": "1"}) as site:
                yield site


@contextmanager
def standby_away(site):
    """From now on each COMMIT waits, until the block is left."""
    with site.connect() as owner:
        owner.execute("ALTER SYSTEM SET synchronous_standby_names = 'one_that_is_away'")
        owner.execute("SELECT pg_reload_conf()")
        try:
            wait_for(lambda: a_commit_waits(site.database_url))
            yield
        finally:
            owner.execute("ALTER SYSTEM RESET synchronous_standby_names")
            owner.execute("SELECT pg_reload_conf()")


def a_commit_waits(url):
    with cut_short(url, psycopg.Connection) as (connection, waited):
        connection.execute("SELECT pg_logical_emit_message(true, 'a commit', 'that writes no row')")
        connection.commit()
    return waited.is_set()


def let_counts_through(owner):
    owner.execute(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {COUNTS}")


def end_the_waits(site, how, job):
    """As an operator does, or a leader that is taken down: until `job` is done. How many COMMITs were ended."""
    ended = 0
    with site.connect() as owner:
        while not job.done():
            let_counts_through(owner)
            ended += owner.execute(f"SELECT {how}(pid) FROM pg_stat_activity WHERE {COMMITS}").rowcount
            time.sleep(0.05)
    return ended


def waits(site):
    with site.connect() as owner:
        let_counts_through(owner)
        return bool(owner.execute(f"SELECT 1 FROM pg_stat_activity WHERE {COMMITS}").fetchone())


@contextmanager
def standing_still(worker):
    """So that each COMMIT that waits is the guest's."""
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker.pid, signal.SIGCONT)


def mails(site):
    return len(list(site.mail_folder.glob("*"))) if site.mail_folder.exists() else 0


def with_details(site):
    """A guest with a time on hold, the address of the form and what they typed."""
    guest = Guest(site.url)
    page = guest.get(SLOTS)
    answer, _ = guest.post(SLOTS, page, start=free_starts(page)[0])
    place = answer.headers["Location"]
    return guest, place, {**hidden_fields(guest.get(place)), **typed_details()}


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_booking_that_no_standby_has_is_not_promised(alone, how):
    guest, place, details = with_details(alone)
    sent_before = mails(alone)

    with ThreadPoolExecutor(1) as beside:
        with standing_still(alone.worker), standby_away(alone):
            first = beside.submit(guest.ask, "POST", place, details)
            assert end_the_waits(alone, how, first)
            answer, text = first.result()
            again = beside.submit(guest.ask, "POST", place, details)
            assert wait_for(lambda: waits(alone))
            assert not again.done()
            assert mails(alone) == sent_before
        promised, _ = again.result()

    assert answer.status == 503
    assert "612-605-7594" in text
    assert promised.status == 302
    assert promised.headers["Location"].startswith("/visits/")
    assert wait_for(lambda: mails(alone) > sent_before)


def test_no_mail_leaves_before_a_standby_has_what_it_tells_of(alone):
    with standing_still(alone.worker):  # another hand than its own sends here
        guest, place, details = with_details(alone)
        assert guest.ask("POST", place, details)[0].status == 302
        with alone.connect() as owner:
            (newest,) = owner.execute("SELECT max(id) FROM booking_message WHERE kind = 'requested'").fetchone()
        command = f"from booking.mail.delivery import deliver_message as d; d(message_id={newest})"
        sent_before = mails(alone)

        with standby_away(alone), ThreadPoolExecutor(1) as beside:
            delivery = beside.submit(alone.manage, "shell", "-c", command)
            end_the_waits(alone, "pg_cancel_backend", delivery)
            with pytest.raises(AssertionError, match="no standby has confirmed"):
                delivery.result()
        assert mails(alone) == sent_before

        alone.manage("shell", "-c", command)
        assert mails(alone) == sent_before + 1
