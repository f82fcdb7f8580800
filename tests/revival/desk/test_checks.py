import pytest
from django.db import connection

from revival.desk import checks


@pytest.mark.django_db
def test_the_servers_log_settings_are_read_back():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL log_error_verbosity = 'default'")

    found = checks.patients_stay_out_of_the_servers_log(None, ["default"])

    assert {message.id for message in found} == {"revival.W001"}
    assert any("log_error_verbosity=default" in message.msg for message in found)


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://clinic.example"])
def test_links_in_mail_must_be_https(settings, url):
    settings.SITE_URL = url

    assert [message.id for message in checks.links_in_mail_lead_here(None)] == ["revival.E001"]


def test_mail_into_files_is_warned_of(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

    assert [message.id for message in checks.mail_reaches_someone(None)] == ["revival.W002"]


@pytest.mark.parametrize(("link_key", "is_good"), [("l" * 50, True), ("s" * 50, False), ("short", False)])
def test_the_link_key_is_long_and_its_own(settings, link_key, is_good):
    settings.SECRET_KEY, settings.LINK_KEY = "s" * 50, link_key

    assert (checks.keys_are_long_and_two(None) == []) is is_good


@pytest.mark.parametrize(("is_required", "found"), [(True, []), (False, ["revival.W003"])])
def test_a_password_alone_is_warned_of(settings, is_required, found):
    settings.TWO_FACTOR_REQUIRED = is_required

    assert [message.id for message in checks.a_password_alone_opens_nothing(None)] == found
