"""Accounts: owners give and take roles, nobody gains rights of their own accord, and there is always an owner."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice

from revival import models
from revival.staff import accounts
from revival.staff.roles import IN_WORDS, ROLES
from tests.factories import a_clinic, a_therapist
from tests.staff import PASSWORD, a_colleague, at_the_desk, give_phone, type_code, type_password

pytestmark = pytest.mark.django_db

ACCOUNTS = "/admin/auth/user/"
FIRST = "seventeen green bottles"


@pytest.fixture(autouse=True)
def _clinic(db):
    a_clinic()


@pytest.fixture
def owner():
    return a_colleague("olga", "Owner")


@pytest.fixture
def desk(owner):
    """The owner's browser."""
    client = Client()
    client.force_login(owner)
    return client


def ids_of(*roles):
    return list(Group.objects.filter(name__in=roles).values_list("pk", flat=True))


def account_form(user, *roles, **fields):
    """The account's form as a browser sends it."""
    account = {"username": user.username, "first_name": "", "last_name": "", "email": "", "is_active": "on"}
    return account | {"groups": ids_of(*roles)} | fields


def save(client, user, *roles, **fields):
    return client.post(f"{ACCOUNTS}{user.pk}/change/", account_form(user, *roles, **fields))


def form_that_closes(user, *roles):
    fields = account_form(user, *roles)
    del fields["is_active"]
    return fields


def roles_of(user):
    return set(user.groups.values_list("name", flat=True))


def test_each_role_is_described():
    assert set(IN_WORDS) == set(ROLES)


@pytest.mark.parametrize("number", ["{}", "0{}", "+{}", "%20{}"])
def test_ones_own_password_is_changed_only_where_the_old_one_is_asked(desk, owner, number):
    new = {"password1": "nine geese cross the lake", "password2": "nine geese cross the lake"}
    answer = desk.post(f"/admin/auth/user/{number.format(owner.pk)}/password/", new)

    assert answer["Location"] == "/admin/password_change/"


def test_an_owner_adds_a_colleague_who_chooses_a_password_at_the_first_sign_in(desk):
    fields = {"username": "kim", "first_name": "Kim", "email": "kim@example.com", "groups": ids_of("Front desk")}
    done = desk.post(f"{ACCOUNTS}add/", fields | {"password1": FIRST, "password2": FIRST})
    assert done.status_code == 302
    kim = User.objects.get(username="kim")
    assert (kim.is_staff, kim.is_superuser, roles_of(kim)) == (True, False, {"Front desk"})
    client = Client()
    step = type_password(client, "kim", FIRST)["Location"]
    assert step == "/admin/login/password/"
    assert client.get("/admin/").status_code == 302
    same = {"new_password1": FIRST, "new_password2": FIRST}
    assert "Choose another one" in client.post(step, same).text

    client.post(step, {"new_password1": PASSWORD, "new_password2": PASSWORD})

    assert client.get("/admin/").status_code == 200
    assert type_password(Client(), "kim", FIRST).status_code == 422
    assert type_password(Client(), "kim", PASSWORD)["Location"] == "/admin/"


def test_the_second_factor_comes_before_the_choice_of_a_password(settings):
    settings.TWO_FACTOR_REQUIRED = True
    a_colleague("kim", last_login=None)
    client = Client()

    assert type_password(client, "kim")["Location"] == "/admin/login/enrol/"
    new = {"new_password1": "four hens in the barn", "new_password2": "four hens in the barn"}
    assert client.post("/admin/login/password/", new)["Location"] == "/admin/login/enrol/"
    assert User.objects.get(username="kim").check_password(PASSWORD)


@pytest.mark.parametrize("password", ["elevenchars", "password1234", "123456789012", "kimberley-kimberley"])
def test_weak_first_passwords_are_refused(desk, password):
    fields = {"username": "kimberley-kimberley", "password1": password, "password2": password}

    assert desk.post(f"{ACCOUNTS}add/", fields).status_code == 200
    assert not User.objects.filter(username="kimberley-kimberley").exists()


def test_an_owner_gives_and_takes_roles(desk):
    kim = a_colleague("kim", "Editor")
    page = desk.get(f"{ACCOUNTS}{kim.pk}/change/").text
    assert "answers requests, books, moves" in page

    save(desk, kim, "Front desk", "Reviewer")
    assert roles_of(kim) == {"Front desk", "Reviewer"}

    save(desk, kim)
    assert roles_of(kim) == set()


def test_a_closed_account_is_signed_out_at_once(desk):
    kim = a_colleague("kim", "Editor")
    client = Client()
    type_password(client, "kim")
    assert client.get("/admin/").status_code == 200

    desk.post(f"{ACCOUNTS}{kim.pk}/change/", form_that_closes(kim, "Editor"))

    assert client.get("/admin/").status_code == 302
    assert type_password(client, "kim").status_code == 422


def test_the_linked_therapist_is_shown(desk):
    kim = a_colleague("kim", "Therapist")
    assert "Not linked" in desk.get(f"{ACCOUNTS}{kim.pk}/change/").text

    a_therapist(account=kim)

    assert "Dr. Peter Stanley" in desk.get(f"{ACCOUNTS}{kim.pk}/change/").text
    assert "Dr. Peter Stanley" in desk.get(ACCOUNTS).text


# Nobody gains rights


def test_no_form_makes_a_superuser_or_gives_single_rights(desk, owner):
    kim = a_colleague("kim")
    more = {"is_superuser": "on", "is_staff": "on", "user_permissions": ["1", "2"], "password": "x"}

    save(desk, kim, "Editor", **more)
    save(desk, owner, "Owner", **more)
    desk.post(f"{ACCOUNTS}add/", {"username": "sam", "password1": FIRST, "password2": FIRST, **more})

    assert User.objects.count() == 3
    assert not User.objects.filter(is_superuser=True).exists()
    assert not User.objects.filter(user_permissions__isnull=False).exists()
    assert User.objects.get(username="kim").check_password(PASSWORD)
    page = desk.get(f"{ACCOUNTS}{kim.pk}/change/").text
    assert "is_superuser" not in page
    assert "user_permissions" not in page


def test_an_owner_cannot_change_a_superuser(desk):
    root = a_colleague("root", is_superuser=True)
    give_phone(root)
    passwords = {"password1": FIRST, "password2": FIRST}

    assert save(desk, root, "Owner", username="mine").status_code == 403
    assert desk.post(f"{ACCOUNTS}{root.pk}/password/", passwords).status_code == 403
    assert desk.post(f"{ACCOUNTS}{root.pk}/reset-second-factor/").status_code == 403
    root.refresh_from_db()
    assert root.username == "root"
    assert root.check_password(PASSWORD)
    assert models.Phone.objects.exists()


@pytest.mark.parametrize("role", [*sorted(set(ROLES) - {"Owner"}), None])
def test_other_roles_see_no_accounts(role):
    kim = a_colleague("kim", role)
    client = Client()
    client.force_login(kim)

    for path in ("", "add/", f"{kim.pk}/change/", f"{kim.pk}/password/", f"{kim.pk}/reset-second-factor/"):
        if path != f"{kim.pk}/password/":  # leads to one's own
            assert client.get(f"{ACCOUNTS}{path}").status_code == 403
        assert client.post(f"{ACCOUNTS}{path}", account_form(kim, "Owner")).status_code in (302, 403)
    assert roles_of(kim) == ({role} if role else set())


def test_nobody_deletes_an_account(desk, admin_client):
    kim = a_colleague("kim")

    for client in (desk, admin_client):
        assert client.post(f"{ACCOUNTS}{kim.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(ACCOUNTS, {"action": "delete_selected", "_selected_action": [kim.pk], "post": "yes"})
    assert User.objects.filter(pk=kim.pk).exists()


def test_roles_and_devices_have_no_pages_of_their_own(admin_client):
    for path in ("auth/group/", "otp_totp/totpdevice/", "otp_static/staticdevice/"):
        assert admin_client.get(f"/admin/{path}").status_code == 404
    assert not {models.Phone, StaticDevice, Group} & set(site._registry)


def test_passwords_cannot_be_found_by_filters(desk):
    assert desk.get(f"{ACCOUNTS}?password__startswith=md5").status_code in (302, 400)


# There is always an owner


def test_the_last_owner_stays_one(desk, owner):
    for answer in (
        save(desk, owner, "Editor"),
        desk.post(f"{ACCOUNTS}{owner.pk}/change/", form_that_closes(owner, "Owner")),
    ):
        assert "This is the last owner" in answer.text
    owner.refresh_from_db()
    assert owner.is_active
    assert roles_of(owner) == {"Owner"}


def test_a_superuser_does_not_take_the_last_owner_either(admin_client, owner):
    assert "This is the last owner" in save(admin_client, owner).text


def test_a_closed_or_half_account_is_no_other_owner(desk, owner):
    a_colleague("gone", "Owner", is_active=False)

    assert "This is the last owner" in save(desk, owner).text


def test_with_a_second_owner_the_first_may_go(desk, owner):
    a_colleague("kim", "Owner")

    assert save(desk, owner, "Editor").status_code == 302
    assert roles_of(owner) == {"Editor"}


@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_close_each_other_at_once():
    write_roles()
    olga, omar = a_colleague("olga", "Owner"), a_colleague("omar", "Owner")
    pairs = [(at_the_desk(olga), omar), (at_the_desk(omar), olga)]

    def close(pair):
        client, victim = pair
        try:
            return client.post(f"{ACCOUNTS}{victim.pk}/change/", form_that_closes(victim, "Owner")).status_code
        finally:
            connections.close_all()

    for _ in range(10):
        User.objects.update(is_active=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(close, pairs))
        assert accounts.active_owners().count() == 1


def write_roles():
    """Write the migration's roles again: tests that commit begin with empty tables."""
    from django.apps import apps

    from revival.staff import roles

    roles.write(apps)


# Helping a colleague


def test_an_owner_resets_a_second_factor_and_the_colleague_enrols_anew(desk, settings):
    kim = a_colleague("kim", "Editor")
    phone, _ = give_phone(kim)
    client = Client()
    type_password(client, "kim")
    type_code(client, phone.code())
    reset = f"{ACCOUNTS}{kim.pk}/reset-second-factor/"
    assert reset in desk.get(f"{ACCOUNTS}{kim.pk}/change/").text
    page = desk.get(reset).text
    assert "speak with them" in page
    assert f'<a href="{ACCOUNTS}{kim.pk}/change/">' in page
    assert models.Phone.objects.exists()

    done = desk.post(reset, follow=True)

    assert "sets up a code at the next sign-in" in done.text
    assert client.get("/admin/").status_code == 302  # signed out at once
    settings.TWO_FACTOR_REQUIRED = True
    assert type_password(client, "kim")["Location"] == "/admin/login/enrol/"
    assert not StaticDevice.objects.exists()


def test_nobody_resets_their_own_second_factor(desk, owner):
    phone, _ = give_phone(owner)
    type_password(desk, "olga")
    type_code(desk, phone.code())

    assert desk.post(f"{ACCOUNTS}{owner.pk}/reset-second-factor/").status_code == 403
    assert "Reset their second factor" not in desk.get(f"{ACCOUNTS}{owner.pk}/change/").text
    assert models.Phone.objects.exists()


def test_an_owner_gives_a_new_first_password(desk, owner):
    kim = a_colleague("kim", "Editor")
    client = Client()
    type_password(client, "kim")
    page = f"{ACCOUNTS}{kim.pk}/password/"
    assert "A new first password for kim" in desk.get(page).text
    assert desk.post(page, {"password1": "short", "password2": "short"}).status_code == 200

    desk.post(page, {"password1": FIRST, "password2": FIRST})

    assert client.get("/admin/").status_code == 302
    assert type_password(client, "kim", FIRST)["Location"] == "/admin/login/password/"
    assert desk.get(f"{ACCOUNTS}{owner.pk}/password/")["Location"] == "/admin/password_change/"


# The first owner


def first_owner(*arguments):
    out = StringIO()
    call_command("first_owner", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def _first_password(monkeypatch):
    monkeypatch.setenv("FIRST_OWNER_PASSWORD", FIRST)


@pytest.mark.usefixtures("_first_password")
def test_the_first_owner_is_an_owner_and_no_superuser():
    output = first_owner("olga")

    olga = User.objects.get()
    assert (olga.is_staff, olga.is_superuser, roles_of(olga)) == (True, False, {"Owner"})
    assert "choose their own password" in output
    client = Client()
    step = type_password(client, "olga", FIRST)["Location"]
    client.post(step, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert client.get(f"{ACCOUNTS}add/").status_code == 200


@pytest.mark.usefixtures("_first_password", "owner")
def test_a_second_first_owner_is_refused_unless_asked_for_again():
    with pytest.raises(CommandError, match=r"There is an owner already \(olga\)"):
        first_owner("sam")
    assert not User.objects.filter(username="sam").exists()

    output = first_owner("sam", "--again")

    assert "in case no owner can sign in" in output
    assert roles_of(User.objects.get(username="sam")) == {"Owner"}


@pytest.mark.usefixtures("_first_password")
def test_again_helps_an_owner_who_lost_everything(owner):
    give_phone(owner)
    User.objects.update(is_active=False)

    first_owner("olga", "--again")

    owner.refresh_from_db()
    assert owner.is_active
    assert owner.check_password(FIRST)
    assert not models.Phone.objects.exists()


@pytest.mark.usefixtures("_first_password")
def test_an_account_of_that_name_is_not_made_an_owner_by_mistake():
    kim = a_colleague("kim", "Editor")

    with pytest.raises(CommandError, match="There is an account kim already"):
        first_owner("kim")
    assert roles_of(kim) == {"Editor"}


def test_a_weak_first_password_and_a_strange_name_are_refused(monkeypatch):
    monkeypatch.setenv("FIRST_OWNER_PASSWORD", "short")
    with pytest.raises(CommandError, match="at least 12 characters"):
        first_owner("olga")
    with pytest.raises(CommandError, match="valid username"):
        first_owner("ol ga")
    assert not User.objects.exists()


def test_the_command_is_in_the_help():
    done = subprocess.run([sys.executable, "manage.py", "first_owner", "--help"], capture_output=True, text=True)

    assert "FIRST_OWNER_PASSWORD" in done.stdout
