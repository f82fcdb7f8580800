"""System checks of `check --deploy`."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from revival.base.verp import LONGEST_LOCAL_PART
from revival.desk import checks
from tests.factories import a_clinic


@pytest.mark.django_db
def test_the_servers_log_settings_are_read_back():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL log_error_verbosity = 'default'")

    messages = checks.check_log_settings(None, ["default"])

    assert {message.id for message in messages} == {"revival.W001"}
    assert any("log_error_verbosity=default" in message.msg for message in messages)


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://clinic.example"])
def test_links_in_mail_must_be_https(settings, url):
    settings.SITE_URL = url

    assert [message.id for message in checks.check_site_url(None)] == ["revival.E001"]


def test_mail_into_files_is_warned_of(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

    assert [message.id for message in checks.check_mail_server(None)] == ["revival.W002"]


@pytest.mark.parametrize(("is_required", "ids"), [(True, []), (False, ["revival.W003"])])
def test_a_password_alone_is_warned_of(settings, is_required, ids):
    settings.TWO_FACTOR_REQUIRED = is_required

    assert [message.id for message in checks.check_two_factor(None)] == ids


@pytest.mark.parametrize(
    ("hours", "is_good"),
    [
        ((21, 7), True),
        ((1, 6), True),
        ((5, 5), True),
        ((24, 0), True),
        ((0, 24), False),
        ((21, 25), False),
        ((-1, 7), False),
    ],
)
def test_quiet_hours_are_hours_and_never_the_whole_day(settings, hours, is_good):
    settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR = hours

    assert (checks.check_quiet_hours(None) == []) is is_good


@pytest.mark.django_db
@pytest.mark.parametrize(("email", "ids"), [("", ["revival.W006"]), ("hello@clinic.example", [])])
def test_a_clinic_that_cannot_be_replied_to_is_warned_of(email, ids):
    a_clinic(email=email)

    assert [message.id for message in checks.check_clinic_email(None, ["default"])] == ids


@pytest.mark.django_db
def test_before_there_is_a_clinic_nothing_is_missing_of_it():
    assert checks.check_clinic_email(None, ["default"]) == []


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("", True),
        ("bounces@clinic.example", True),
        (f"{'b' * LONGEST_LOCAL_PART}@clinic.example", True),
        (f"{'b' * (LONGEST_LOCAL_PART + 1)}@clinic.example", False),
        ("bounces", False),
        ("Bounces <bounces@clinic.example>", False),
    ],
)
def test_the_bounce_address_is_one_with_room_for_a_token(settings, address, is_good):
    settings.BOUNCE_ADDRESS = address

    assert (checks.check_bounce_address(None) == []) is is_good


def test_no_two_checks_share_an_id():
    tree = ast.parse(Path(checks.__file__).read_text())
    ids = Counter(
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "id" and isinstance(node.value, ast.Constant)
    )

    assert len(ids) == 9
    assert [check_id for check_id, uses in ids.items() if uses > 1] == []
