"""Folders and files of our own, and the e-mails of a trial copy that lie in them."""

import os
import stat

import pytest
from django.core.mail import send_mail

from revival.base import own_files


def mode_of(path):
    return oct(stat.S_IMODE(path.lstat().st_mode))


@pytest.fixture
def generous_umask():
    """With it, whatever names no rights of its own is open to everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_folder_of_our_own_is_closed_to_others(tmp_path, generous_umask):
    assert mode_of(own_files.own_folder(tmp_path / "deep" / "mine")) == "0o700"


def test_a_folder_that_was_open_is_closed_with_its_files(tmp_path, generous_umask):
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "letter").touch()

    own_files.close_files(folder)

    assert (mode_of(folder), mode_of(folder / "letter")) == ("0o700", "0o600")


def test_a_link_in_its_place_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o755)
    (tmp_path / "mine").symlink_to(tmp_path / "theirs")

    with pytest.raises(PermissionError):
        own_files.own_folder(tmp_path / "mine")

    assert mode_of(tmp_path / "theirs") == "0o755"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_folder_is_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    os.chown(tmp_path / "mine", 12345, 12345)

    with pytest.raises(PermissionError):
        own_files.own_folder(tmp_path / "mine")


def test_emails_of_a_trial_copy_are_readable_by_their_owner_alone(settings, tmp_path, generous_umask):
    settings.EMAIL_BACKEND = "revival.base.mail_files.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")

    send_mail("Your visit", "a private link", "clinic@example.com", ["ada@example.com"])

    (letter,) = (tmp_path / "mail").iterdir()
    assert b"a private link" in letter.read_bytes()
    assert (mode_of(tmp_path / "mail"), mode_of(letter)) == ("0o700", "0o600")
