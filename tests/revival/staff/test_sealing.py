"""Keys of phones at rest: nobody who reads the database alone can compute a code."""

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from revival import models
from revival.staff import retention, sealing, two_factor
from tests.factories import a_clinic
from tests.staff import Phone, a_colleague, give_phone, type_code, type_password

pytestmark = pytest.mark.django_db
KEY = "3132333435363738393031323334353637383930"


@pytest.fixture(autouse=True)
def _clinic(settings):
    settings.TWO_FACTOR_REQUIRED = True
    a_clinic()


def stored_key():
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM otp_totp_totpdevice")
        return cursor.fetchone()[0]


def test_the_table_holds_no_key_in_the_clear(client):
    phone, _ = give_phone(a_colleague())

    assert sealing.is_sealed(stored_key())
    assert phone.key.hex() not in stored_key()
    type_password(client)
    assert type_code(client, phone.code())["Location"] == "/admin/"


def test_the_session_of_an_enrollment_holds_none_either(client):
    a_colleague()
    type_password(client)
    page = client.get("/admin/login/enrol/").text

    (session,) = Session.objects.all()
    data = session.get_decoded()
    key = sealing.unseal(data["new_key"], data["half_signed_in"]["user"])
    assert two_factor.key_in_groups(key) in page
    assert key not in str(data)


def test_a_key_stored_before_works_and_is_sealed_at_night(client):
    user = a_colleague()
    phone, _ = give_phone(user)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE otp_totp_totpdevice SET key = %s", [phone.key.hex()])
    type_password(client)
    assert type_code(client, phone.code())["Location"] == "/admin/"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE otp_totp_totpdevice SET key = %s", [phone.key.hex()])

    retention.forget_old_sign_ins()

    assert sealing.is_sealed(stored_key())
    assert models.Phone.objects.get().bin_key == phone.key


@given(st.binary(min_size=1, max_size=20))
def test_what_is_sealed_comes_back_and_fits_the_column(key):
    sealed = sealing.seal(key.hex(), 7)

    assert sealing.unseal(sealed, 7) == key.hex()
    assert len(sealed) <= models.Phone._meta.get_field("key").max_length
    assert sealing.seal(key.hex(), 7) != sealed


def test_a_key_in_another_accounts_row_opens_nothing():
    with pytest.raises(sealing.SealError):
        sealing.unseal(sealing.seal(KEY, 7), 8)


@pytest.mark.parametrize("text", ["v1:", "v1:AAAA", "v1:not base64!", "v1:" + "A" * 64])
def test_what_was_changed_opens_nothing(text):
    with pytest.raises(sealing.SealError):
        sealing.unseal(text, 7)


def test_after_a_change_of_the_secret_key_codes_are_refused_unless_the_old_one_is_a_fallback(client, settings):
    phone, _ = give_phone(a_colleague())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-" * 8

    type_password(client)
    assert type_code(client, phone.code()).status_code == 422

    settings.SECRET_KEY_FALLBACKS = [old]
    models.Phone.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert type_code(client, phone.code()).status_code == 302


def test_a_wrong_phone_is_still_wrong(client):
    give_phone(a_colleague())
    type_password(client)

    assert type_code(client, Phone(two_factor.key_in_groups(KEY)).code()).status_code == 422
