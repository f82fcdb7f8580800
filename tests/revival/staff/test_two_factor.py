"""Second factor and sessions at the desk, tested through the pages with a phone's codes."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin import site
from django.contrib.sessions.models import Session
from django.core.signing import dumps
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

from revival import models
from revival.staff import retention, sealing, two_factor
from tests.factories import a_clinic
from tests.staff import PASSWORD, Phone, a_colleague, give_phone, type_code, type_password

pytestmark = pytest.mark.django_db

ENROL, CODE = "/admin/login/enrol/", "/admin/login/code/"


@pytest.fixture(autouse=True)
def _two_factor_is_required(settings):
    settings.TWO_FACTOR_REQUIRED = True
    a_clinic()


@pytest.fixture
def robin():
    return a_colleague("robin", "Front desk")


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def later(clock, **span):
    clock.shift(timedelta(**span))


def session_key(client):
    cookie = client.cookies.get("sessionid")
    return cookie.value if cookie else None


def key_on(page):
    return re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1]


def codes_on(page):
    return re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", page.text)


def is_in(client):
    return client.get("/admin/").status_code == 200


def sign_in(client, phone):
    type_password(client)
    return type_code(client, phone.code())


# Enrolling


def test_after_the_password_comes_enrollment_then_ten_recovery_codes_then_the_desk(client, robin):
    assert type_password(client)["Location"] == ENROL
    page = client.get(ENROL)
    phone = Phone(key_on(page))

    done = client.post(ENROL, {"code": phone.code()})

    codes = codes_on(done)
    assert len(set(codes)) == 10
    assert 'href="/admin/"' in done.text
    assert is_in(client)
    assert not any(code in client.get(ENROL, follow=True).text for code in codes)  # shown this once


def test_the_picture_and_the_key_say_the_same(client, robin):
    type_password(client)
    key = key_on(client.get(ENROL)).replace(" ", "")
    address = two_factor.otpauth_uri(
        user=robin, key=sealing.unseal(client.session["new_key"], robin.pk), issuer="Revival: a clinic"
    )

    assert f"secret={key}" in address
    assert address.startswith("otpauth://totp/Revival%20a%20clinic%3Arobin?")
    assert re.search(r'<svg class="qr"[^>]*>[^M]*<path fill="black" d="M[0-9Mhv1z -]+"', client.get(ENROL).text)


def test_enrollment_needs_a_code_of_the_key_that_is_shown(client, robin):
    type_password(client)
    phone = Phone(key_on(client.get(ENROL)))

    refused = client.post(ENROL, {"code": phone.wrong_code()})

    assert refused.status_code == 422
    assert "That code is not right" in refused.text
    assert key_on(refused) == key_on(client.get(ENROL))
    assert not models.Phone.objects.exists()
    assert not is_in(client)


def test_who_else_knows_the_password_is_shown_another_key(client, robin):
    other = Client()
    type_password(client)
    type_password(other)

    assert key_on(client.get(ENROL)) != key_on(other.get(ENROL))


def test_only_the_first_of_two_enrols(client, robin):
    thief = Client()
    type_password(client)
    type_password(thief)
    ours, theirs = (Phone(key_on(browser.get(ENROL))) for browser in (client, thief))
    client.post(ENROL, {"code": ours.code()})

    answer = thief.post(ENROL, {"code": theirs.code()})

    assert answer["Location"] == CODE
    assert models.Phone.objects.get().bin_key == ours.key


def test_a_first_device_never_takes_the_place_of_another(robin):
    give_phone(robin)
    key = two_factor.new_key()
    code = Phone(two_factor.key_in_groups(key)).code()

    with pytest.raises(two_factor.AlreadySetUpError):
        two_factor.enroll(user=robin, key=key, code=code)


def test_the_code_that_enrolled_does_not_sign_in_as_well(client, robin):
    type_password(client)
    phone = Phone(key_on(client.get(ENROL)))
    code = phone.code()
    client.post(ENROL, {"code": code})
    client.post("/admin/logout/")
    type_password(client)

    assert type_code(client, code).status_code == 422


def every_address():
    names = ["index", "jsi18n", "autocomplete", "password_change", "your_sign_in", "new_device", "new_recovery_codes"]
    paths = [reverse(f"admin:{name}") for name in names]
    for model in site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths += [reverse(f"{base}_changelist"), reverse(f"{base}_add"), reverse(f"{base}_change", args=[1])]
        paths += [reverse(f"{base}_delete", args=[1]), reverse(f"{base}_history", args=[1])]
    paths += [
        reverse("admin:app_list", args=["booking"]),
        reverse("admin:booking_appointment_answer", args=[1, "confirm"]),
    ]
    paths += [reverse("admin:auth_user_reset", args=[1]), reverse("admin:articles_article_revisions", args=[1])]
    return [*paths, "/admin/r/1/1/", "/admin/whatever/"]


@pytest.mark.parametrize("has_device", [False, True])
def test_half_signed_in_reaches_no_page_of_the_desk(client, has_device):
    user = a_colleague(is_superuser=True)
    if has_device:
        give_phone(user)
    step = type_password(client)["Location"]

    for address in every_address():
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302, address
            assert answer["Location"].startswith("/admin/login/?next="), address
    assert client.post("/admin/still-here/").status_code == 401
    assert client.get("/admin/login/", follow=True).redirect_chain == [(step, 302)]
    assert client.get(step).status_code == 200


def test_nobody_skips_a_step(client, robin):
    for page in ("code", "recovery-code", "enrol", "password"):
        assert client.get(f"/admin/login/{page}/")["Location"] == "/admin/login/"
    type_password(client)
    for page in ("code", "recovery-code", "password"):
        assert client.get(f"/admin/login/{page}/")["Location"] == ENROL
    phone, _ = give_phone(robin)
    assert client.get(ENROL)["Location"] == CODE

    assert client.post(ENROL, {"code": phone.code()})["Location"] == CODE


def test_half_signed_in_can_leave(client, robin):
    type_password(client)

    assert "You are signed out" in client.post("/admin/logout/").text
    assert client.get(ENROL)["Location"] == "/admin/login/"


def test_half_a_sign_in_lasts_ten_minutes(client, robin, clock):
    phone, _ = give_phone(robin)
    type_password(client)
    later(clock, minutes=10)

    answer = client.post(CODE, {"code": phone.code()}, follow=True)

    assert "More than ten minutes" in answer.text
    assert not is_in(client)


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_half_a_sign_in_ends_with_the_account_or_the_password(client, robin, change):
    phone, _ = give_phone(robin)
    type_password(client)
    type(robin).objects.update(**change)

    assert type_code(client, phone.code())["Location"].startswith("/admin/login/")
    assert not is_in(client)


def test_a_code_is_not_written_into_the_page_that_says_the_database_is_away(rf):
    from django.db import OperationalError

    from revival.site.errors import unavailable

    page = unavailable(rf.post(CODE, {"code": "424242", "next": "/admin/"}), OperationalError())

    assert page.status_code == 503
    assert "424242" not in page.text


# Signing in


def test_a_code_opens_the_desk(client, robin):
    phone, _ = give_phone(robin)
    assert type_password(client)["Location"] == CODE

    assert sign_in(client, phone)["Location"] == "/admin/"
    assert is_in(client)


def test_they_come_to_where_they_wanted_to_go_and_nowhere_else(client, robin):
    phone, _ = give_phone(robin)
    there = "/admin/booking/appointment/?state=requested"
    sign_in_page = client.get(there)["Location"]
    client.post(sign_in_page, {"username": "robin", "password": PASSWORD})
    assert type_code(client, phone.code())["Location"] == there
    client.post("/admin/logout/")

    client.post("/admin/login/?next=//evil.example/", {"username": "robin", "password": PASSWORD})
    assert type_code(client, phone.code(1))["Location"] == "/admin/"


def test_spaces_in_a_code_do_not_matter(client, robin):
    phone, _ = give_phone(robin)
    type_password(client)
    code = phone.code()

    assert type_code(client, f" {code[:3]} {code[3:]} ").status_code == 302


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "１２３４５６", "+12345", "12_345", "abcdef", "-12345"])
def test_what_is_no_code_is_said_and_not_counted(client, robin, typed):
    give_phone(robin)
    type_password(client)

    answer = type_code(client, typed)

    assert answer.status_code == 422
    assert "six digits" in answer.text
    assert models.Phone.objects.get().throttling_failure_count == 0


def test_a_used_code_is_refused(client, robin):
    phone, _ = give_phone(robin)
    code = phone.code()
    type_password(client)
    assert type_code(client, code).status_code == 302
    other = Client()
    type_password(other)

    assert type_code(other, code).status_code == 422
    assert not is_in(other)


def test_codes_that_are_over_or_another_persons_are_refused(client, robin, clock):
    phone, _ = give_phone(robin)
    someone_elses, _ = give_phone(a_colleague("kim"))
    old = phone.code()
    later(clock, minutes=2)
    type_password(client)

    assert type_code(client, old).status_code == 422
    later(clock, minutes=2)
    assert type_code(client, someone_elses.code()).status_code == 422


def test_guessed_codes_are_slowed_down_to_an_end(client, robin, clock):
    phone, _ = give_phone(robin)
    type_password(client)
    waits = []
    for _ in range(14):
        assert type_code(client, phone.wrong_code()).status_code == 422
        refused = type_code(client, phone.code())
        assert refused.status_code == 429  # not even the right one
        assert "too many wrong codes" in refused.text
        waited = 0
        while not is_allowed(robin):
            later(clock, seconds=1)
            waited += 1
        waits.append(waited)
        type_password(client)  # half a sign-in lasts ten minutes only

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024, 1024]
    assert type_code(client, phone.code()).status_code == 302
    assert models.Phone.objects.get().throttling_failure_count == 0


def is_allowed(user):
    device = models.Phone.objects.get(user=user)
    device.throttling_failure_count = min(device.throttling_failure_count, two_factor.MOST_FAILURES_COUNTED)
    return device.verify_is_allowed()[0]


@pytest.mark.django_db(transaction=True)
def test_the_same_code_twice_at_once_is_used_once(robin):
    phone, _ = give_phone(robin)
    code = phone.code()
    clients = [Client() for _ in range(8)]
    for browser in clients:
        type_password(browser)

    def send(browser):
        try:
            return type_code(browser, code).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(send, clients))

    assert answers[0] == 302
    assert answers.count(302) == 1


# Recovery codes


def test_a_recovery_code_opens_the_desk_once(client, robin):
    _, codes = give_phone(robin)
    type_password(client)

    done = type_code(client, codes[3].upper().replace("-", " "), page="recovery-code")

    assert done["Location"] == "/admin/"
    assert "9 are left" in client.get("/admin/").text
    other = Client()
    type_password(other)
    assert type_code(other, codes[3], page="recovery-code").status_code == 422
    assert not is_in(other)


def test_guessed_recovery_codes_are_slowed_down_and_allowed_again(client, robin, clock):
    _, codes = give_phone(robin)
    type_password(client)
    for seconds in (1, 2, 4):
        assert type_code(client, "aaaaa-aaaaa", page="recovery-code").status_code == 422
        assert type_code(client, codes[0], page="recovery-code").status_code == 429
        later(clock, seconds=seconds)

    assert type_code(client, codes[0], page="recovery-code").status_code == 302


def test_someone_elses_recovery_code_is_refused(client, robin):
    give_phone(robin)
    _, codes = give_phone(a_colleague("kim"))
    type_password(client)

    assert type_code(client, codes[0], page="recovery-code").status_code == 422


def test_the_database_holds_no_recovery_code(robin):
    _, codes = give_phone(robin)
    tokens = set(StaticToken.objects.values_list("token", flat=True))

    assert len(tokens) == 10
    assert not tokens & {spelling for code in codes for spelling in (code, code.replace("-", ""))}


# Sessions


def test_the_session_has_another_key_after_each_step(client):
    kim = a_colleague("kim", last_login=None)
    phone, _ = give_phone(kim)
    new = {"new_password1": "four hens in the barn", "new_password2": "four hens in the barn"}
    keys = [session_key(client)]
    type_password(client, "kim")
    keys.append(session_key(client))
    type_code(client, phone.code())
    keys.append(session_key(client))
    client.post("/admin/login/password/", new)
    keys.append(session_key(client))

    assert keys[0] is None
    assert len(set(keys)) == 4
    assert is_in(client)
    assert Session.objects.count() == 1


def test_a_planted_session_is_worth_nothing(client, robin):
    """A thief types their own password in the victim's browser, and keeps the session's key."""
    a_colleague("mallory")
    type_password(client, "mallory")
    planted = session_key(client)
    phone, _ = give_phone(robin)
    thief = Client()
    thief.cookies["sessionid"] = planted

    type_password(client)
    assert thief.get(CODE)["Location"] == "/admin/login/"
    assert session_key(client) != planted
    type_code(client, phone.code())

    thief.cookies["sessionid"] = planted
    assert not is_in(thief)
    assert thief.get(ENROL)["Location"] == "/admin/login/"
    assert is_in(client)


def test_a_session_that_knows_only_the_password_is_nobody(client, robin):
    client.force_login(robin)

    assert not is_in(client)
    give_phone(robin)
    assert not is_in(client)


def test_a_session_names_only_a_device_of_its_own_person(client, robin):
    give_phone(a_colleague("kim"))
    client.force_login(robin)
    session = client.session
    session["otp_device_id"] = models.Phone.objects.get().persistent_id
    session.save()

    assert not is_in(client)


def test_readers_and_patients_get_no_session(client, robin):
    for path in ("/", "/articles/", "/faq/", "/book/", "/privacy/"):
        assert "sessionid" not in client.get(path).cookies
    assert "sessionid" not in client.get("/admin/").cookies
    assert "sessionid" not in client.get("/admin/login/").cookies


def test_patients_pages_leave_the_session_of_staff_alone(client, robin, clock):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    before = dict(client.session)
    later(clock, minutes=5)

    for path in ("/", "/book/", "/faq/"):
        answer = client.get(path)
        assert "sessionid" not in answer.cookies
        assert "Cookie" not in answer.headers.get("Vary", "") or path == "/book/"
    assert dict(client.session) == before


def test_a_quarter_of_an_hour_away_and_they_are_signed_out_and_told(client, robin, clock):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    key = session_key(client)
    later(clock, minutes=14)
    assert is_in(client)
    later(clock, minutes=16)

    there = "/admin/booking/appointment/?q=a"
    answer = client.get(there)

    assert answer["Location"] == "/admin/login/?why=idle&next=%2Fadmin%2Fbooking%2Fappointment%2F%3Fq%3Da"
    page = client.get(answer["Location"])
    assert "nothing happened here for 15 minutes" in page.text
    assert not Session.objects.filter(session_key=key).exists()
    client.post(answer["Location"], {"username": "robin", "password": PASSWORD})
    assert type_code(client, phone.code())["Location"] == there


def test_whoever_types_stays_signed_in(client, robin, clock):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    for _ in range(40):
        later(clock, minutes=1)
        answer = client.post("/admin/still-here/")
        assert answer.status_code == 204
        assert answer["Cache-Control"] == "no-store"

    assert is_in(client)
    later(clock, minutes=16)
    assert client.post("/admin/still-here/").status_code == 401
    assert not is_in(client)


def test_eight_hours_are_the_end_however_busy(client, robin, clock):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    for _ in range(8 * 6 - 1):
        later(clock, minutes=10)
        assert client.post("/admin/still-here/").status_code == 204
    later(clock, minutes=10)

    answer = client.get("/admin/", follow=True)

    assert "longer than 8 hours" in answer.text


def test_an_idle_session_is_nobody_outside_the_desk_too(client, robin, clock, rf):
    from django.contrib.sessions.backends.db import SessionStore

    from revival.staff.sessions import ignore_incomplete_sign_ins

    phone, _ = give_phone(robin)
    sign_in(client, phone)
    request = rf.get("/")
    request.session = SessionStore(session_key(client))
    request.user = robin
    seen = []
    middleware = ignore_incomplete_sign_ins(lambda request: seen.append(request.user.is_authenticated))

    middleware(request)
    later(clock, minutes=16)
    request.user = robin
    middleware(request)

    assert seen == [True, False]


def test_being_there_is_written_once_a_minute(client, robin, clock, django_assert_num_queries):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    client.post("/admin/still-here/")

    with django_assert_num_queries(4) as seen:  # clinic (for its clock), session, person, phone
        client.post("/admin/still-here/")

    assert not any("UPDATE" in query["sql"] for query in seen)
    later(clock, seconds=61)
    with django_assert_num_queries(7) as seen:
        client.post("/admin/still-here/")
    assert sum("UPDATE" in query["sql"] for query in seen) == 1


def test_still_here_is_for_people_with_a_token(robin):
    client = Client(enforce_csrf_checks=True)

    assert client.post("/admin/still-here/").status_code == 403
    assert Client().post("/admin/still-here/").status_code == 401
    assert Client().get("/admin/still-here/").status_code == 405


def test_signing_out_says_so_and_ends_the_session(client, robin):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    assert client.get("/admin/logout/").status_code == 405

    assert "You are signed out" in client.post("/admin/logout/").text
    assert not is_in(client)
    assert not Session.objects.exists()


# One's own sign-in


def test_new_recovery_codes_ask_for_a_code_first_and_end_the_old_ones(client, robin, clock):
    phone, old = give_phone(robin)
    sign_in(client, phone)
    page = "/admin/sign-in/recovery-codes/"
    assert codes_on(client.get(page)) == []
    assert codes_on(client.post(page, {"code": phone.code()})) == []  # used to sign in
    later(clock, seconds=30)

    new = codes_on(client.post(page, {"code": phone.code()}))

    assert len(new) == 10
    assert not set(new) & set(old)
    other = Client()
    type_password(other)
    assert type_code(other, old[0], page="recovery-code").status_code == 422
    assert StaticToken.objects.count() == 10


def test_another_phone_asks_for_a_code_of_the_first(client, robin, clock):
    phone, old_codes = give_phone(robin)
    sign_in(client, phone)
    elsewhere = Client()
    type_password(elsewhere)
    type_code(elsewhere, old_codes[0], page="recovery-code")
    page = "/admin/sign-in/telephone/"
    assert "First show that it is you" in client.get(page).text
    assert client.post(page, {"code": phone.wrong_code()}).status_code == 422
    later(clock, seconds=30)
    client.post(page, {"code": phone.code()})
    another = Phone(key_on(client.get(page)))

    done = client.post(page, {"code": another.code()})

    assert len(codes_on(done)) == 10
    assert is_in(client)
    assert not is_in(elsewhere)  # opened with what is gone
    assert models.Phone.objects.get().bin_key == another.key
    assert "First show that it is you" in client.get(page).text
    client.post("/admin/logout/")
    type_password(client)
    assert type_code(client, phone.code(1)).status_code == 422
    assert type_code(client, old_codes[1], page="recovery-code").status_code == 422


def test_who_lost_the_phone_sets_up_another_with_recovery_codes(client, robin):
    _, codes = give_phone(robin)
    type_password(client)
    type_code(client, codes[0], page="recovery-code")
    client.post("/admin/sign-in/telephone/?recovery", {"code": codes[1]})
    another = Phone(key_on(client.get("/admin/sign-in/telephone/")))

    client.post("/admin/sign-in/telephone/", {"code": another.code()})

    assert models.Phone.objects.get().bin_key == another.key


def test_a_password_is_changed_with_the_old_one(client, robin):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    new = {"new_password1": "four hens in the barn", "new_password2": "four hens in the barn"}
    assert client.post("/admin/password_change/", {"old_password": "wrong", **new}).status_code == 422
    short = {"new_password1": "elevenchars", "new_password2": "elevenchars"}
    assert client.post("/admin/password_change/", {"old_password": PASSWORD, **short}).status_code == 422

    done = client.post("/admin/password_change/", {"old_password": PASSWORD, **new}, follow=True)

    assert "Your password is changed" in done.text
    robin.refresh_from_db()
    assert robin.check_password("four hens in the barn")
    assert is_in(client)


def test_guesses_at_the_old_password_are_counted(client, robin):
    phone, _ = give_phone(robin)
    sign_in(client, phone)
    new = {"new_password1": "four hens in the barn", "new_password2": "four hens in the barn"}

    answers = [client.post("/admin/password_change/", {"old_password": "x", **new}).status_code for _ in range(10)]

    assert answers[-1] == 429


# A trial copy


def test_a_trial_copy_offers_it_and_asks_who_has_it(client, robin, settings):
    settings.TWO_FACTOR_REQUIRED = False
    assert type_password(client)["Location"] == "/admin/"
    assert "Set up a code from your phone" in client.get("/admin/").text
    phone = Phone(key_on(client.get("/admin/sign-in/telephone/")))

    client.post("/admin/sign-in/telephone/", {"code": phone.code()})

    assert "Set up a code from your phone" not in client.get("/admin/").text
    other = Client()
    assert type_password(other)["Location"] == CODE
    assert not is_in(other)


def test_in_a_trial_copy_setting_it_up_ends_sessions_without_it(client, robin, settings):
    settings.TWO_FACTOR_REQUIRED = False
    type_password(client)
    assert is_in(client)

    give_phone(robin)

    assert not is_in(client)


# What stays behind


def test_nightly_the_second_factor_of_those_who_left_and_old_sessions_go(robin, clock):
    from axes.models import AccessAttempt

    give_phone(robin)
    give_phone(a_colleague("kim", is_active=False))
    type_password(Client(), password="wrong")
    type_password(Client())
    later(clock, hours=25)
    type_password(Client(), password="wrong again")

    retention.forget_old_sign_ins()

    assert models.Phone.objects.get().user == robin
    assert StaticDevice.objects.get().user == robin
    assert AccessAttempt.objects.count() == 1
    assert not Session.objects.exists()


def test_a_forged_cookie_of_a_known_browser_is_none(client, robin, rf, settings):
    from revival.staff.lockout import known_user_ids

    request = rf.get("/admin/login/")
    request.COOKIES[settings.KNOWN_BROWSER_COOKIE_NAME] = dumps(str(robin.pk))

    assert known_user_ids(request) == []


def test_a_bare_word_as_next_page_breaks_nothing(client, robin, settings):
    settings.TWO_FACTOR_REQUIRED = False

    assert type_password(client).status_code == 302
    client.logout()
    answer = client.post("/admin/login/?next=foo", {"username": "robin", "password": PASSWORD})

    assert answer.status_code == 302
