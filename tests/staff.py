"""Colleagues at the desk, and the telephone in their pocket."""

from __future__ import annotations

import time
from base64 import b32decode

from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from revival import two_factor

PASSWORD = "seven geese cross the river"


def a_colleague(name: str = "robin", *roles: str, **facts) -> User:
    """Has signed in before, so that nobody asks them for a password of their own."""
    given = {"password": PASSWORD, "is_staff": True, "last_login": timezone.now()} | facts
    user = User.objects.create_user(name, **given)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


class Telephone:
    """What an authenticator app does with a key: the code of each half minute (RFC 6238)."""

    def __init__(self, key: str) -> None:
        """`key` as it is shown, in base 32 and groups of four."""
        self.key = b32decode(key.replace(" ", ""))

    def code(self, steps: int = 0) -> str:
        """The code of now, or of so many half minutes later."""
        totp = TOTP(self.key)
        totp.time = time.time() + 30 * steps
        return f"{totp.token():06d}"

    def wrong_code(self) -> str:
        near = {int(self.code(steps)) for steps in range(-3, 4)}
        return f"{next(number for number in range(1000) if number not in near):06d}"


def give_telephone(user: User) -> tuple[Telephone, list[str]]:
    """Enrols them half a minute ago, so that the code of now is still to be used; telephone, recovery codes."""
    key = two_factor.new_key()
    telephone = Telephone(two_factor.as_words(key))
    _, codes = two_factor.enrol(user=user, key=key, typed=telephone.code(-1))
    return telephone, codes


def type_password(client: Client, name: str = "robin", password: str = PASSWORD, **where):
    return client.post("/admin/login/?next=/admin/", {"username": name, "password": password}, **where)


def type_code(client: Client, code: str, page: str = "code"):
    return client.post(f"/admin/login/{page}/", {"code": code})
