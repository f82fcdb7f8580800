from contextlib import ExitStack

import pytest
from aiosmtpd.controller import Controller

from tests.factories import a_clinic, a_service, a_therapist, working_all_week
from tests.mailbox import Mailbox
from tests.running import free_port


@pytest.fixture
def clinic(db):
    return a_clinic(notices_to="front-desk@example.com")


@pytest.fixture
def therapist(clinic):
    therapist = a_therapist()
    working_all_week(therapist)
    return therapist


@pytest.fixture
def service(therapist):
    return a_service(therapist, slug="consultation")


@pytest.fixture
def mailbox(settings):
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_TIMEOUT = 5
    settings.SITE_URL = "https://clinic.example"
    with ExitStack() as stack:
        stack.callback(server.stop)
        box.stop = stack.close
        yield box
