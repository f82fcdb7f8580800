"""Backups: saved, restored into an empty database and equal; what may have been sent is not sent again."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import sys
import uuid
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
from deploy.backup import backup, signature
from tests import factories as make
from tests.databases import drop_database, make_database

RESTORED = "revival_restored"


@pytest.fixture
def keys(tmp_path, monkeypatch) -> Path:
    pair = pyrage.x25519.Identity.generate()
    secret = tmp_path / "identity"
    secret.write_text(f"# the secret key\n{pair}\n")
    monkeypatch.setenv("BACKUP_RECIPIENT", str(pair.to_public()))
    monkeypatch.setenv("BACKUP_SIGNING_KEY", str(tmp_path / "signing-key"))
    monkeypatch.setenv("BACKUP_SIGNER", signature.make_key(tmp_path / "signing-key"))
    monkeypatch.setenv("REVIVAL_MODE", "trial")
    for name in backup.KEYS:
        monkeypatch.setenv(name, secrets.token_urlsafe(50))
    return secret


def save(url: str, folder: Path) -> Path:
    recipient, signing_key = os.environ["BACKUP_RECIPIENT"], os.environ["BACKUP_SIGNING_KEY"]
    return backup.save(url, folder / "backups", recipient, "", signing_key=signing_key)


def load(url: str, path: Path, keys: Path, **options):
    return backup.load(url, path, keys, "", signers=os.environ["BACKUP_SIGNER"], **options)


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


def test_what_was_saved_is_put_back_and_equal(database_in_use, empty_database, keys, tmp_path):
    visit = a_confirmed_visit(name="Ada Secretive")
    queue.queue_message(Kind.CONFIRMED, visit)
    path = save(database_in_use, tmp_path)

    manifest = load(empty_database, path, keys)

    assert backup.differences(manifest, backup.contents_of(empty_database, "")) == []
    assert manifest["rows"]["booking_appointment"][0] == 1
    assert any("booking_appointment" in text and "EXCLUDE" in text for text in manifest["constraints"])
    assert manifest["triggers"]
    assert {file.name for file in path.iterdir()} == {"dump.age", "manifest.age", "manifest.sig"}
    for file in path.glob("*.age"):
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
        load(url, path, keys)


def _another_key_opens_nothing(path: Path, folder: Path) -> None:
    other = folder / "other"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(SystemExit, match="cannot be opened with this key"):
        backup.manifest_of(path, other, os.environ["BACKUP_SIGNER"])


def test_without_a_public_key_nothing_is_written(database_in_use, tmp_path):
    with pytest.raises(SystemExit, match="BACKUP_RECIPIENT is not set"):
        backup.save(database_in_use, tmp_path / "backups", "", "", signing_key="")

    assert not (tmp_path / "backups").exists()


# ---- forged and changed backups ---------------------------------------------------------------


@pytest.fixture
def saved(database_in_use, keys, tmp_path) -> Path:
    return save(database_in_use, tmp_path)


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def another_dump(path: Path, database: str) -> None:
    shutil.copy(_a_later_one(path, database) / "dump.age", path)


def another_manifest(path: Path, database: str) -> None:
    later = _a_later_one(path, database)
    for name in ("manifest.age", "manifest.sig"):
        shutil.copy(later / name, path)


def _a_later_one(path: Path, database: str) -> Path:
    return save(database, path.parent / uuid.uuid4().hex)


def whole_forgery(path: Path, database: str) -> None:
    """What whoever has BACKUP_RECIPIENT can make: another database, sealed for us, signed by a key of their own."""
    own_key = path.parent / "own-key"
    signature.make_key(own_key)
    recipient = os.environ["BACKUP_RECIPIENT"]
    forged = backup.save(database, path.parent / "forged", recipient, "", signing_key=str(own_key))
    shutil.copytree(forged, path, dirs_exist_ok=True)


def signed_for_something_else(path: Path, database: str) -> None:
    """By the right key, but not as the manifest of a backup."""
    key = signature.secret_key(os.environ["BACKUP_SIGNING_KEY"])
    sealed = (path / "manifest.age").read_bytes()
    (path / "manifest.sig").write_bytes(base64.b64encode(key.sign(sealed)))


FORGERIES = {
    "one byte of the dump": (lambda path, _: flip_a_byte(path / "dump.age"), "The dump .* was changed"),
    "the dump cut short": (lambda path, _: os.truncate(path / "dump.age", 5000), "The dump .* was changed"),
    "the dump of another": (another_dump, "The dump .* belongs to another backup"),
    "no dump": (lambda path, _: (path / "dump.age").unlink(), "has no dump"),
    "one byte of the manifest": (lambda path, _: flip_a_byte(path / "manifest.age"), "not signed by BACKUP_SIGNER"),
    "the manifest of another": (another_manifest, "The dump .* belongs to another backup"),
    "no manifest": (lambda path, _: (path / "manifest.age").unlink(), "not a backup, or not a signed one"),
    "another key": (whole_forgery, "not signed by BACKUP_SIGNER"),
    "signed for something else": (signed_for_something_else, "not signed by BACKUP_SIGNER"),
    "one byte of the signature": (lambda path, _: flip_a_byte(path / "manifest.sig"), "not signed by BACKUP_SIGNER"),
    "an empty signature": (lambda path, _: (path / "manifest.sig").write_text(""), "not signed by BACKUP_SIGNER"),
    "no signature": (lambda path, _: (path / "manifest.sig").unlink(), "not a backup, or not a signed one"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_backup_is_refused_before_anything_is_restored(saved, database_in_use, empty_database, keys, forgery):
    forge, why = FORGERIES[forgery]
    forge(saved, database_in_use)

    with pytest.raises(SystemExit, match=why) as refusal:
        load(empty_database, saved, keys)

    assert "Nothing was changed" in str(refusal.value)
    assert nothing_is_in(empty_database)


def nothing_is_in(url: str) -> bool:
    with psycopg.connect(url) as database:
        count = (
            "SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') + (SELECT count(*) FROM pg_extension)"
        )
        return database.execute(count).fetchone() == (1,)  # plpgsql


def test_a_dump_exchanged_once_it_was_checked_is_not_kept(saved, database_in_use, empty_database, keys, monkeypatch):
    """Somebody waits until it was checked, and puts another one in its place that opens with the same key."""
    monkeypatch.setattr(backup, "refuse_another_dump", lambda *_: another_dump(saved, database_in_use))

    with pytest.raises(SystemExit, match="was changed while it was read"):
        load(empty_database, saved, keys)

    with psycopg.connect(empty_database) as database:
        assert database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


@pytest.mark.parametrize("name", backup.KEYS)
def test_other_keys_are_refused_until_they_are_said_to_be_lost(saved, empty_database, keys, monkeypatch, name):
    monkeypatch.setenv(name, secrets.token_urlsafe(50))

    with pytest.raises(SystemExit, match=f"{name} is not the one of when this was saved.*--keys-changed") as refusal:
        load(empty_database, saved, keys)

    assert backup.KEYS[name] in str(refusal.value)
    assert nothing_is_in(empty_database)
    assert load(empty_database, saved, keys, keys_changed=True)["rows"]


def test_backups_of_before_a_new_signing_key_can_be_restored(saved, keys, tmp_path):
    new = signature.make_key(tmp_path / "new-key")

    assert backup.manifest_of(saved, keys, f"{new}, {os.environ['BACKUP_SIGNER']}")["dump"]
    with pytest.raises(SystemExit, match="not signed by BACKUP_SIGNER"):
        backup.manifest_of(saved, keys, new)


@pytest.mark.parametrize(
    ("signers", "why"),
    [("", "BACKUP_SIGNER is not set"), (" ", "is not set"), ("age1x", "is not an Ed25519 public key")],
)
def test_without_a_signer_nothing_is_restored(saved, empty_database, keys, monkeypatch, signers, why):
    monkeypatch.setenv("BACKUP_SIGNER", signers)

    with pytest.raises(SystemExit, match=why):
        load(empty_database, saved, keys)

    assert nothing_is_in(empty_database)


WITH_OPENSSH = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")


@pytest.mark.parametrize(
    "key",
    [
        *("unset", "gone", "open to others", "no key"),
        pytest.param("with a passphrase", marks=WITH_OPENSSH),
        pytest.param("of another kind", marks=WITH_OPENSSH),
    ],
)
def test_without_a_signing_key_nothing_is_saved(database_in_use, keys, tmp_path, key):
    file = Path(os.environ["BACKUP_SIGNING_KEY"])
    how = {
        "unset": lambda: "",
        "gone": lambda: str(tmp_path / "nowhere"),
        "open to others": lambda: file.chmod(0o640),
        "no key": lambda: file.write_text("not a key"),
        "with a passphrase": lambda: _ssh_keygen(file, "-t", "ed25519", "-N", "a passphrase"),
        "of another kind": lambda: _ssh_keygen(file, "-t", "ecdsa", "-N", ""),
    }
    chosen = how[key]()
    signing_key = chosen if isinstance(chosen, str) else str(file)

    with pytest.raises(SystemExit, match=r"SIGNING_KEY is not set|signing key|other users|OpenSSH's format"):
        backup.save(database_in_use, tmp_path / "backups", os.environ["BACKUP_RECIPIENT"], "", signing_key=signing_key)

    assert not (tmp_path / "backups").exists()


def _ssh_keygen(file: Path, *options: str) -> None:
    file.unlink()
    subprocess.run(["ssh-keygen", "-q", "-f", str(file), *options], check=True)


def test_a_signing_key_is_made_once_for_its_owner_alone(tmp_path):
    file = tmp_path / "signing-key"
    command = [sys.executable, "deploy/backup/backup.py", "signing-key", str(file)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    again = subprocess.run(command, capture_output=True, text=True)

    public = made.stdout.splitlines()[-1]
    content = b"a manifest"
    assert signature.is_by(
        signature.public_keys(public), content, signature.sign(signature.secret_key(str(file)), content)
    )
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert (again.returncode, "exists already" in again.stderr) == (1, True)


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
