"""Passkeys beside the phone's code, tested through the pages with a security key in software."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revival.models import Passkey
from revival.staff import passkeys, retention, two_factor
from tests.authenticator import Authenticator
from tests.factories import a_clinic
from tests.staff import Phone, a_colleague, give_phone, type_code, type_password

pytestmark = pytest.mark.django_db

ADD, QUESTION = "/admin/sign-in/passkey/", "/admin/sign-in/passkey/question/"
USE, USE_QUESTION = "/admin/login/passkey/", "/admin/login/passkey/question/"
YOURS = "/admin/sign-in/"


@pytest.fixture(autouse=True)
def _two_factor_is_required(settings):
    settings.TWO_FACTOR_REQUIRED = True
    settings.SITE_URL = "http://localhost:8000"
    a_clinic()


@pytest.fixture
def robin():
    return a_colleague("robin", "Front desk")


@pytest.fixture
def phone(robin):
    return give_phone(robin)[0]


@pytest.fixture
def desk(client, phone):
    """Robin's browser, signed in by the phone's code and with the proof that a new key needs."""
    type_password(client)
    type_code(client, phone.code())
    client.post(ADD, {"code": phone.code(1)})
    return client


@pytest.fixture
def key(desk):
    """A key that Robin has added."""
    return added(desk, Authenticator())


@pytest.fixture
def door(key):
    """Another browser, in which Robin's password was right."""
    browser = Client()
    type_password(browser)
    return browser


def question(client, address):
    return json.loads(client.post(address).content)


def added(client, key, name="Blue key", **wrong):
    client.post(ADD, {"name": name, "answer": key.make(question(client, QUESTION), **wrong)})
    return key


def is_in(client):
    return client.get("/admin/").status_code == 200


def test_a_key_is_added_and_signs_its_owner_in_without_a_code(desk, door, key):
    assert "Blue key" in desk.get(YOURS).text

    door.post(USE, {"answer": key.sign(question(door, USE_QUESTION))})

    assert is_in(door)
    assert Passkey.objects.get().last_used_at


def test_the_step_offers_it_only_to_whoever_has_one(client, robin, phone, door):
    assert "Use your passkey" in door.get("/admin/login/code/").text

    kim = a_colleague("kim", "Front desk")
    give_phone(kim)
    type_password(client, "kim")

    assert "Use your passkey" not in client.get("/admin/login/code/").text


def test_without_the_password_there_is_no_question(key):
    client = Client()
    assert client.post(USE_QUESTION).status_code == 302
    assert client.post(USE, {"answer": "{}"})["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "http://localhost:9999"},
        {"origin": "https://localhost:8000"},
        {"origin": "http://revival.example"},
        {"origin": "http://localhost:8000.evil.example"},
        {"site": "evil.example"},
    ],
    ids=str,
)
def test_an_answer_made_for_another_site_is_refused(door, key, wrong):
    refused = door.post(USE, {"answer": key.sign(question(door, USE_QUESTION), **wrong)})

    assert refused.status_code == 422
    assert "was not accepted" in refused.text
    assert not is_in(door)


@pytest.mark.parametrize("origin", ["http://localhost:9999", "https://localhost:8000", "http://evil.example"])
def test_a_key_made_for_another_site_is_not_stored(desk, origin):
    added(desk, Authenticator(), origin=origin)

    assert not Passkey.objects.exists()


def test_an_answer_is_good_once_and_only_for_the_latest_question(door, key):
    answer = key.sign(question(door, USE_QUESTION))
    question(door, USE_QUESTION)
    assert door.post(USE, {"answer": answer}).status_code == 422

    answer = key.sign(question(door, USE_QUESTION))
    assert door.post(USE, {"answer": answer}).status_code == 302
    another = Client()
    type_password(another)
    question(another, USE_QUESTION)
    assert another.post(USE, {"answer": answer}).status_code == 422


def test_a_question_takes_one_answer_also_from_a_key_that_does_not_count(door, key, robin):
    key.count = -1  # what it says next is 0, as most keys of phones and computers always do
    session = door.session
    answer = key.sign(json.loads(passkeys.ask_to_use(session, robin)))
    passkeys.use(session=session, user=robin, answer=answer)

    with pytest.raises(passkeys.RefusedError):
        passkeys.use(session=session, user=robin, answer=answer)


def test_an_answer_after_five_minutes_is_refused(door, key):
    asked = question(door, USE_QUESTION)

    with time_machine.travel(timezone.now() + timedelta(seconds=passkeys.CHALLENGE_SECONDS), tick=False):
        assert door.post(USE, {"answer": key.sign(asked)}).status_code == 422


def test_a_colleagues_key_is_refused(client, door, key):
    kim = a_colleague("kim", "Front desk")
    give_phone(kim)
    type_password(client, "kim")

    assert client.post(USE, {"answer": key.sign(question(client, USE_QUESTION))}).status_code == 422


def test_a_key_whose_counter_went_back_is_refused_as_a_copy(door, key):
    Passkey.objects.update(sign_count=9)

    assert door.post(USE, {"answer": key.sign(question(door, USE_QUESTION))}).status_code == 422


def test_without_the_proof_no_key_is_added(client, phone):
    type_password(client)
    type_code(client, phone.code())

    assert "First show that it is you" in client.get(ADD).text
    assert client.post(QUESTION).status_code == 403


def test_the_proof_is_good_for_one_key(desk, key):
    assert "First show that it is you" in desk.get(ADD).text


def test_two_keys_are_the_most(desk, key, robin, phone):
    Passkey.objects.create(user=robin, name="Laptop", credential_id=b"1", public_key=b"1")
    session = desk.session
    session["proved_at"] = 2**40
    session.save()

    assert desk.post(QUESTION).status_code == 409
    assert "Two is the most" in desk.get(YOURS).text


def test_the_same_key_is_not_added_twice(desk, key, robin):
    session = desk.session
    session["proved_at"] = 2**40
    session.save()

    again = desk.post(ADD, {"name": "Again", "answer": key.make(question(desk, QUESTION))})

    assert again.status_code == 422
    assert "registered already" in again.text
    assert Passkey.objects.count() == 1


def test_a_lost_key_is_removed_and_whoever_came_in_with_it_is_out(desk, door, key):
    door.post(USE, {"answer": key.sign(question(door, USE_QUESTION))})
    address = f"/admin/sign-in/passkey/{Passkey.objects.get().pk}/remove/"
    assert "Remove this passkey?" in desk.get(address).text

    desk.post(address)

    assert not is_in(door)
    assert is_in(desk)


def test_who_removes_the_key_they_came_in_with_stays(door, key):
    door.post(USE, {"answer": key.sign(question(door, USE_QUESTION))})

    door.post(f"/admin/sign-in/passkey/{Passkey.objects.get().pk}/remove/")

    assert is_in(door)
    assert not Passkey.objects.exists()


def test_a_colleagues_key_is_not_theirs_to_remove(client, key):
    kim = a_colleague("kim", "Owner")
    phone, _ = give_phone(kim)
    type_password(client, "kim")
    type_code(client, phone.code())
    address = f"/admin/sign-in/passkey/{Passkey.objects.get().pk}/remove/"

    assert client.get(address).status_code == 404
    client.post(address)
    assert Passkey.objects.exists()


def test_an_owner_resets_the_keys_with_the_phone(client, door, key, robin):
    door.post(USE, {"answer": key.sign(question(door, USE_QUESTION))})
    olga = a_colleague("olga", "Owner")
    phone, _ = give_phone(olga)
    type_password(client, "olga")
    type_code(client, phone.code())

    client.post(f"/admin/auth/user/{robin.pk}/reset-second-factor/")

    assert not Passkey.objects.exists()
    assert not is_in(door)


def test_a_new_phone_leaves_the_keys(key, robin):
    new = two_factor.new_key()
    two_factor.enroll(user=robin, key=new, code=Phone(two_factor.key_in_groups(new)).code(), is_change=True)

    assert Passkey.objects.exists()


def test_the_keys_of_a_closed_account_go_at_night(key, robin):
    robin.is_active = False
    robin.save()

    retention.forget_old_sign_ins()

    assert not Passkey.objects.exists()


def test_an_address_in_digits_offers_no_passkeys(desk, settings):
    settings.SITE_URL = "http://127.0.0.1:8000"

    assert "passkey" not in desk.get(YOURS).text.lower()
    assert desk.get(ADD)["Location"] == YOURS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.text(max_size=40)
    | json_values.map(json.dumps)
    | st.builds(
        lambda id_, raw, kind, response: json.dumps({"id": id_, "rawId": raw, "type": kind, "response": response}),
        json_values,
        json_values,
        st.just("public-key") | json_values,
        st.fixed_dictionaries(
            {
                "clientDataJSON": json_values,
                "authenticatorData": json_values,
                "signature": json_values,
                "attestationObject": json_values,
            }
        ),
    )
)
def test_whatever_is_sent_is_refused_and_never_breaks_the_page(desk, door, answer):
    question(door, USE_QUESTION)
    assert door.post(USE, {"answer": answer}).status_code in {400, 422}  # 400: a NUL, as in every form
    desk.post(ADD, {"name": "Odd", "answer": answer})
    assert Passkey.objects.count() == 1
