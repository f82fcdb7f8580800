"""Which passwords are refused, and how long a first password works."""

import gzip
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth import password_validation
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from revival.models import FirstPassword
from revival.staff import accounts
from tests.factories import a_clinic
from tests.staff import PASSWORD, a_colleague, at_the_desk, type_password

pytestmark = pytest.mark.django_db
FIRST = "seventeen green bottles"


@pytest.fixture(autouse=True)
def _clinic():
    a_clinic()


def is_refused(password, user=None):
    try:
        password_validation.validate_password(password, user)
    except ValidationError:
        return True
    return False


def common_passwords():
    packed = Path(password_validation.__file__).with_name("common-passwords.txt.gz")
    return set(gzip.open(packed, "rt").read().split()) | set(FREQUENCY_LISTS["passwords"])


def test_common_passwords_are_refused_from_a_list_of_forty_thousand():
    common = common_passwords()
    assert len(common) > 40_000

    long = [password for password in common if len(password) >= 12]  # of the shorter ones the length is enough
    assert len(long) > 100
    assert [password for password in long if not is_refused(password)] == []


@pytest.mark.parametrize(
    "password",
    [
        "password12345",
        "P@ssw0rd1234",
        "iloveyou1234",
        "Summer2026!!!",
        "Minneapolis2026",
        "qwertyuiop[]",
        "aaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "christopher1",
        "112233445566",
        "revivalrevival1",
        "robinrobinson1",
    ],
)
def test_common_words_with_what_people_add_to_them_are_refused(password):
    assert is_refused(password, User(username="robin", last_name="Robinson"))


@pytest.mark.parametrize(
    "password", [PASSWORD, FIRST, "xK4#vq9Lw2!t", "four hens in the barn", "x" * 20 + PASSWORD * 300]
)
def test_unrelated_words_are_taken(password):
    assert not is_refused(password, User(username="robin"))


def test_the_refusal_says_why(client):
    user = a_colleague("kim", last_login=None, password=FIRST)
    type_password(client, "kim", FIRST)

    page = client.post("/admin/login/password/", {"new_password1": "password12345", "new_password2": "password12345"})

    assert page.status_code == 422
    assert "easy to guess" in page.text
    assert user.check_password(FIRST)


def test_a_first_password_works_for_72_hours(client):
    owner, kim = at_the_desk(a_colleague("olga", "Owner")), a_colleague("kim")
    owner.post(f"/admin/auth/user/{kim.pk}/password/", {"password1": FIRST, "password2": FIRST})
    given = timezone.now()

    with time_machine.travel(given + timedelta(hours=71, minutes=59), tick=False):
        assert type_password(client, "kim", FIRST)["Location"] == "/admin/login/password/"
    client.logout()
    with time_machine.travel(given + timedelta(hours=72, minutes=1), tick=False):
        late = type_password(client, "kim", FIRST)
        assert late.status_code == 422
        assert "older than 72 hours" in late.text
        assert "older than" not in type_password(client, "kim", "not the password").text


def test_of_a_new_account_it_ends_72_hours_after_the_account_was_made(client):
    a_colleague("kim", password=FIRST, last_login=None, date_joined=timezone.now() - timedelta(hours=73))

    assert type_password(client, "kim", FIRST).status_code == 422


def test_a_new_first_password_begins_anew_and_ones_own_never_ends(client):
    kim = a_colleague("kim", last_login=None, date_joined=timezone.now() - timedelta(days=400))
    accounts.give_first_password(user=kim, password=FIRST)
    assert type_password(client, "kim", FIRST).status_code == 302

    accounts.choose_password(user=kim, password=PASSWORD)

    assert not FirstPassword.objects.exists()
    assert accounts.first_password_ends_at(kim) is None
    assert type_password(client, "kim", PASSWORD).status_code == 302


def test_the_account_page_says_until_when_it_works():
    kim = a_colleague("kim", last_login=None)
    page = at_the_desk(a_colleague("olga", "Owner")).get(f"/admin/auth/user/{kim.pk}/change/").text
    assert "Works until" in page

    User.objects.filter(pk=kim.pk).update(date_joined=timezone.now() - timedelta(days=4))
    assert (
        "Give them a new one"
        in at_the_desk(User.objects.get(username="olga")).get(f"/admin/auth/user/{kim.pk}/change/").text
    )
