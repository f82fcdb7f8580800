"""The door of the desk in a real browser: a colleague enrolls, signs in and out, and is told what to do."""

from __future__ import annotations

import re
from functools import cache

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.browser.barriers import barriers
from tests.exhaustive import EXHAUSTIVE
from tests.running import running_site
from tests.staff import Phone

PASSWORD, OWN = "seventeen green bottles", "four hens in the barn"
WALKED = {"where they wanted to go", "accounts ", "accounts add/", "accounts 1/change/"}
"""Pages behind the door: test_every_screen looks at them."""
MAKE = """
from django.contrib.auth.models import Group, User
user = User.objects.create(username={name!r}, password={password!r}, is_staff=True, first_name="Kim")
user.groups.set(Group.objects.filter(name="Owner"))
"""


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A site that demands the second factor, as in production."""
    environment = {"TWO_FACTOR_REQUIRED": "true", "WEB_WORKERS": "1"}
    with running_site("revival_door", tmp_path_factory.mktemp("door"), environment, "localhost") as running:
        yield running


def a_new_colleague(site, name):
    site.run_python(MAKE.format(name=name, password=stored(PASSWORD)))
    return name


@cache
def stored(password):
    """As the site keeps it."""
    return PBKDF2PasswordHasher().encode(password, "salt-of-the-tests-22-long")


def type_password(page, url, name, password=PASSWORD):
    page.goto(f"{url}/admin/booking/service/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def type_code(page, code, button="Sign in"):
    page.get_by_label("Code from your phone").fill(code)
    page.get_by_role("button", name=button).click()


def walk_through_the_door(page, url, name):
    """Every page of the door, name by name: enrollment, one's own password, signing in again, one's own sign-in."""
    page.goto(f"{url}/admin/")
    yield "sign in"
    type_password(page, url, name, "wrong")
    page.locator(".errors").wait_for()
    yield "wrong password"
    page.goto(f"{url}/admin/login/?why=idle&next=/admin/")
    yield "was idle"
    type_password(page, url, name)
    page.get_by_role("heading", name="Set up your code").wait_for()
    yield "enroll"
    phone = Phone(page.locator(".key-text code").inner_text())
    type_code(page, phone.wrong_code(), "Check the code")
    page.locator(".errors").wait_for()
    yield "enroll, wrong code"
    type_code(page, phone.code(), "Check the code")
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    recovery = page.locator(".codes code").all_inner_texts()
    yield "recovery codes"
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("heading", name="Choose your own password").wait_for()
    yield "own password"
    for label in ("New password", "New password again"):
        page.get_by_label(label, exact=True).fill(OWN)
    page.get_by_role("button", name="Keep this password").click()
    page.wait_for_url("**/admin/booking/service/")
    yield "where they wanted to go"
    page.get_by_role("link", name="Your sign-in").click()
    page.get_by_role("heading", name="Your sign-in").wait_for()
    yield "your sign-in"
    for link in ("Change the password", "Change the phone", "Add a passkey", "Make new codes"):
        page.goto(f"{url}/admin/sign-in/")
        page.get_by_role("link", name=link).click()
        page.get_by_role("link", name="Leave it as it is").wait_for()
        yield link
    page.goto(f"{url}/admin/")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    yield "signed out"
    type_password(page, url, name, OWN)
    page.get_by_role("heading", name="Your code").wait_for()
    yield "code"
    type_code(page, "12345")
    page.locator(".errors").wait_for()
    yield "no code"
    page.get_by_role("link", name="Use a recovery code").click()
    page.get_by_role("heading", name="A recovery code").wait_for()
    yield "recovery code"
    page.get_by_label("Recovery code").fill(recovery[0])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("You used a recovery code; 9 are left").wait_for()
    for path in ("", "add/", "1/change/"):
        page.goto(f"{url}/admin/auth/user/{path}")
        yield f"accounts {path}"


def test_no_step_has_barriers_and_the_policy_holds(door, new_page):
    page = new_page(reduced_motion="reduce")
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    broken = {}
    for name in walk_through_the_door(page, door.url, a_new_colleague(door, "kim")):
        if name in WALKED and not EXHAUSTIVE:
            continue
        page.wait_for_load_state()
        so_far = len(complaints)
        found = barriers(page)
        del complaints[so_far:]  # axe tries styles of its own on the pages of the desk
        broken |= {name: found} if found else {}

    assert broken == {}
    assert [one for one in complaints if "status of 422" not in one] == []


def test_it_works_without_scripts(door, new_page):
    page = new_page(java_script_enabled=False)
    names = list(walk_through_the_door(page, door.url, a_new_colleague(door, "kim-without-scripts")))

    assert names[-1] == "accounts 1/change/"
    assert not page.get_by_role("button", name="Print").is_visible()


def test_it_works_by_keyboard(door, page):
    name = a_new_colleague(door, "kim-by-keyboard")
    page.goto(f"{door.url}/admin/")
    page.keyboard.type(name)  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Set up your code").wait_for()
    phone = Phone(page.locator(".key-text code").inner_text())
    page.keyboard.type(phone.code())
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    page.get_by_role("link", name="I have kept them").focus()
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Choose your own password").wait_for()


def test_browsers_know_what_each_field_is_for(door, page):
    type_password(page, door.url, a_new_colleague(door, "kim-fields"), "wrong")
    page.locator(".errors").wait_for()
    fields = "inputs => inputs.map(one => [one.name, one.autocomplete, one.inputMode])"
    assert page.eval_on_selector_all("input:not([type=hidden])", fields) == [
        ["username", "username", ""],
        ["password", "current-password", ""],
    ]

    type_password(page, door.url, "kim-fields")
    page.get_by_role("heading", name="Set up your code").wait_for()

    assert page.eval_on_selector_all("input:not([type=hidden])", fields) == [["code", "one-time-code", "numeric"]]


def test_the_codes_print_and_what_surrounds_them_does_not(door, page):
    type_password(page, door.url, a_new_colleague(door, "kim-prints"))
    page.get_by_role("heading", name="Set up your code").wait_for()
    type_code(page, Phone(page.locator(".key-text code").inner_text()).code(), "Check the code")
    page.get_by_role("button", name="Print").wait_for()
    page.emulate_media(media="print")

    assert page.locator(".codes code").count() == 10
    assert not page.get_by_role("link", name="I have kept them").is_visible()


def test_the_picture_is_drawn_black_on_white_whatever_the_scheme(door, new_page):
    page = new_page(color_scheme="dark")
    type_password(page, door.url, a_new_colleague(door, "kim-picture"))
    shape = page.locator("svg.qr path")
    shape.wait_for()

    assert shape.evaluate("one => getComputedStyle(one).fill") == "rgb(0, 0, 0)"
    assert page.locator("svg.qr rect").evaluate("one => getComputedStyle(one).fill") == "rgb(255, 255, 255)"
    assert re.fullmatch(r"[0-9Mhv1z -]+", shape.get_attribute("d"))
    assert page.locator("svg.qr").bounding_box()["width"] >= 200


@pytest.fixture
def key(new_page):
    """A page whose browser has a security key that says yes."""
    page = new_page(reduced_motion="reduce")
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def enrolled(page, url, name):
    """Sign in for the first time, to the end; the phone."""
    type_password(page, url, name)
    page.get_by_role("heading", name="Set up your code").wait_for()
    phone = Phone(page.locator(".key-text code").inner_text())
    type_code(page, phone.code(), "Check the code")
    page.get_by_role("link", name="I have kept them").click()
    for label in ("New password", "New password again"):
        page.get_by_label(label, exact=True).fill(OWN)
    page.get_by_role("button", name="Keep this password").click()
    page.wait_for_url("**/admin/booking/service/")
    return phone


def add_a_passkey(page, url, phone, name="Blue key"):
    page.goto(f"{url}/admin/sign-in/")
    page.get_by_role("link", name="Add a passkey").click()
    type_code(page, phone.code(1), "Go on")
    page.get_by_label("Name of this key").fill(name)


def sign_in_again(page, url, name):
    page.goto(f"{url}/admin/")
    page.get_by_role("button", name="Sign out").click()
    type_password(page, url, name, OWN)
    page.get_by_role("heading", name="Your code").wait_for()


def test_a_passkey_is_made_by_keyboard_and_signs_in_in_place_of_a_code(door, key):
    name = a_new_colleague(door, "kim-with-a-key")
    add_a_passkey(key, door.url, enrolled(key, door.url, name))
    found = {"add": barriers(key)}
    key.get_by_label("Name of this key").press("Enter")
    key.get_by_text("“Blue key” is added").wait_for()
    found["yours"] = barriers(key)

    sign_in_again(key, door.url, name)
    found["code"] = barriers(key)
    key.get_by_role("button", name="Use your passkey").focus()
    key.keyboard.press("Enter")
    key.wait_for_url("**/admin/booking/service/")

    key.goto(f"{door.url}/admin/sign-in/")
    key.get_by_role("link", name="Remove Blue key").click()
    found["remove"] = barriers(key)
    key.get_by_role("button", name="Remove it").click()
    key.get_by_text("“Blue key” is removed").wait_for()  # and the session that it opened goes on
    assert not any(found.values())


def test_a_passkey_answers_no_other_address(door, key):
    """The same server under another name: the browser refuses before the key is asked."""
    name = a_new_colleague(door, "kim-elsewhere")
    add_a_passkey(key, door.url, enrolled(key, door.url, name))
    key.get_by_role("button", name="Make the passkey").click()
    key.get_by_text("is added").wait_for()

    type_password(key, door.url.replace("localhost", "127.0.0.1"), name, OWN)
    key.get_by_role("button", name="Use your passkey").click()

    key.get_by_text("The key did not answer").wait_for()
    assert key.get_by_role("heading", name="Your code").is_visible()


def test_without_scripts_the_code_is_asked_for_as_ever(door, key, new_page):
    name = a_new_colleague(door, "kim-both-ways")
    phone = enrolled(key, door.url, name)
    add_a_passkey(key, door.url, phone)
    key.get_by_role("button", name="Make the passkey").click()
    key.get_by_text("is added").wait_for()

    page = new_page(java_script_enabled=False)
    type_password(page, door.url, name, OWN)

    assert not page.get_by_role("button", name="Use your passkey").is_visible()
    assert page.get_by_role("button", name="Sign in").is_visible()
