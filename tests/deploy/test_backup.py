"""Backups: saved, restored into an empty database and equal; what may have been sent is not sent again."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pyrage
import pytest
from django.db import connection
from django.utils import timezone

from booking import actions
from booking.mail import queue
from booking.models import Delivery, Kind, LostLink, Message, State
from deploy.backup import backup
from tests import factories as make
from tests.databases import drop_database, make_database

RESTORED = "revival_restored"


@pytest.fixture
def keys(tmp_path, monkeypatch) -> Path:
    pair = pyrage.x25519.Identity.generate()
    secret = tmp_path / "identity"
    secret.write_text(f"# the secret key\n{pair}\n")
    monkeypatch.setenv("BACKUP_RECIPIENT", str(pair.to_public()))
    return secret


@pytest.fixture
def empty_database():
    make_database(RESTORED)
    yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{RESTORED}").geturl()
    drop_database(RESTORED)


@pytest.fixture
def database_in_use(transactional_db, settings):
    """URL of the test database, as its owner."""
    name = settings.DATABASES["default"]["NAME"]
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def a_confirmed_visit(**fields):
    therapist = make.a_therapist()
    service = make.a_service(therapist)
    fields = {"confirmed_at": timezone.now(), **fields}
    return make.an_appointment(therapist, service, make.in_days(3), State.CONFIRMED, **fields)


def test_what_was_saved_is_put_back_and_equal(database_in_use, empty_database, keys, tmp_path, monkeypatch):
    monkeypatch.setenv("REVIVAL_MODE", "trial")
    visit = a_confirmed_visit(name="Ada Secretive")
    queue.queue_message(Kind.CONFIRMED, visit)
    path = backup.save(database_in_use, tmp_path / "backups", os.environ["BACKUP_RECIPIENT"], "")

    manifest = backup.load(empty_database, path, keys, "")

    assert backup.differences(manifest, backup.contents_of(empty_database, "")) == []
    assert manifest["rows"]["booking_appointment"][0] == 1
    assert any("booking_appointment" in text and "EXCLUDE" in text for text in manifest["constraints"])
    assert manifest["triggers"]
    for file in path.iterdir():
        content = file.read_bytes()
        assert content.startswith(b"age-encryption.org/v1")
        assert b"Secretive" not in content
    _a_change_is_told(empty_database, manifest)
    _a_second_restore_is_refused(empty_database, path, keys)
    _another_key_opens_nothing(path, tmp_path)


def _a_change_is_told(url: str, manifest) -> None:
    with psycopg.connect(url) as database:
        database.execute("UPDATE booking_appointment SET note = 'x'")
        database.execute("SELECT setval('booking_appointment_id_seq', 1, false)")
        database.execute("ALTER TABLE booking_shift DROP CONSTRAINT booking_shift_opens_before_it_closes")

    lines = backup.differences(manifest, backup.contents_of(url, ""))

    assert any(line.startswith("sequence booking_appointment_id_seq:") for line in lines)
    assert any(line.startswith("rows of booking_appointment:") for line in lines)
    assert any("gone booking_shift booking_shift_opens_before_it_closes" in line for line in lines)


def _a_second_restore_is_refused(url: str, path: Path, keys: Path) -> None:
    with pytest.raises(SystemExit, match="an empty database only"):
        backup.load(url, path, keys, "")


def _another_key_opens_nothing(path: Path, folder: Path) -> None:
    other = folder / "other"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(SystemExit, match="cannot be opened with this key"):
        backup.manifest_of(path, other)


def test_without_a_public_key_nothing_is_written(database_in_use, tmp_path):
    with pytest.raises(SystemExit, match="BACKUP_RECIPIENT is not set"):
        backup.save(database_in_use, tmp_path / "backups", "", "")

    assert not (tmp_path / "backups").exists()


def test_old_backups_end_but_never_the_newest(tmp_path):
    for name in ("revival-20200101T000000Z", "revival-20200201T000000Z", "another-folder"):
        (tmp_path / name).mkdir()

    assert backup.drop_old(tmp_path, keep_days=30) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another-folder", "revival-20200201T000000Z"]


def test_keys_are_a_pair():
    result = subprocess.run(
        [sys.executable, "deploy/backup/backup.py", "keys"], capture_output=True, text=True, check=True
    )

    comment, secret = result.stdout.splitlines()
    assert str(pyrage.x25519.Identity.from_str(secret).to_public()) == comment.rpartition(" ")[2]


# ---- after a restore --------------------------------------------------------------------------


def test_what_waited_is_kept_back_and_stands_at_the_desk(transactional_db):
    visit = a_confirmed_visit()
    waiting, sent = (queue.queue_message(kind, visit) for kind in (Kind.CONFIRMED, Kind.REQUESTED))
    Message.objects.filter(pk=sent.pk).update(delivery=Delivery.SENT, sent_at=timezone.now())
    actions.ask_for_links(email="ada@example.com")

    kept = actions.keep_back_messages()

    waiting.refresh_from_db()
    sent.refresh_from_db()
    assert kept == actions.KeptBack(messages=1, reminders=0)
    assert (waiting.delivery, sent.delivery) == (Delivery.PLEASE_PHONE, Delivery.SENT)
    assert "restored" in waiting.last_answer
    assert list(Message.objects.undelivered()) == [waiting]
    assert not LostLink.objects.exists()
    ours = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    with psycopg.connect(ours.geturl()) as database:
        assert database.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)


def test_a_reminder_that_fell_due_meanwhile_is_not_sent_and_a_later_one_is(transactional_db):
    soon = a_confirmed_visit()
    therapist, service = soon.therapist, soon.service
    due = make.an_appointment(
        therapist, service, timezone.now() + timedelta(hours=20), State.CONFIRMED, confirmed_at=timezone.now()
    )
    type(due).objects.filter(pk=due.pk).update(confirmed_at=timezone.now() - timedelta(days=3))

    kept = actions.keep_back_messages()

    assert kept.reminders == 1
    row = Message.objects.get(appointment=due)
    assert (row.kind, row.delivery) == (Kind.REMINDER_DAY, Delivery.PLEASE_PHONE)
    assert not actions.visits_to_remind(Kind.REMINDER_DAY).exists()  # the worker has nothing to do
    assert not Message.objects.filter(appointment=soon).exists()


def test_twice_is_as_good_as_once(transactional_db):
    queue.queue_message(Kind.CONFIRMED, a_confirmed_visit())
    actions.keep_back_messages()

    assert actions.keep_back_messages() == actions.KeptBack(messages=0, reminders=0)
