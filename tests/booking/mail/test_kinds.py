"""The table of message kinds and their templates: nothing is missing, and nothing is left over."""

import pytest
from django.template.loader import get_template

from booking.mail import queue
from booking.mail.kinds import KINDS
from booking.models import Kind, State
from revival.settings import BASE_DIR
from tests.factories import an_appointment, in_days

TEMPLATES = BASE_DIR / "templates/booking/mail"
NO_MESSAGES = {"day-sheet"}
"""Folders of mails that are no `Message`."""


def test_every_kind_has_a_row():
    assert list(KINDS) == list(Kind)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", ["subject.txt", "body.txt", "body.html"])
def test_every_kind_has_its_three_templates(kind, name):
    assert get_template(f"booking/mail/{KINDS[kind].folder}/{name}")


def test_no_two_kinds_share_a_folder_and_no_folder_belongs_to_no_kind():
    folders = sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir())

    assert folders == sorted([*(row.folder for row in KINDS.values()), *NO_MESSAGES])


def test_a_message_about_the_wrong_thing_is_refused(therapist, service):
    visit = an_appointment(therapist, service, in_days(5), state=State.REQUESTED)

    with pytest.raises(TypeError, match="not about Appointment"):
        queue.queue_message(Kind.OUTAGE, visit)
