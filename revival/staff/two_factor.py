"""The second factor: a code from one's phone (RFC 6238), or one of ten recovery codes.

django-otp keeps the devices, refuses a code that was used, and makes guessing slow. One person has one
device and one set of recovery codes; enrolling anew replaces both, which ends every session that was
opened with the old ones.
"""

from __future__ import annotations

import secrets
import time
from base64 import b32encode
from binascii import unhexlify
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

KEY_BYTES = 20  # what RFC 4226 recommends; 32 characters to type
RECOVERY_CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that reads like another
LETTERS_IN_A_CODE = 10  # 49 bits
MOST_FAILURES_COUNTED = 11
"""Each wrong code doubles the wait: 1, 2, 4 … seconds. At 1024 seconds, a quarter of an hour, it stops
growing: whoever knows the password could otherwise shut someone out for years by guessing codes."""


class WrongCodeError(Exception):
    """Not the code of now, or one that was used before."""


class TooManyCodesError(Exception):
    """Too many wrong codes; nothing is looked at until `until`, not even a right one."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


class AlreadySetUpError(Exception):
    """There is a device by now; only its owner, or whoever may reset it, can replace it."""


def is_required() -> bool:
    return bool(settings.TWO_FACTOR_REQUIRED)


def is_set_up(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists())


def device_of(user: Any, persistent_id: str | None) -> Device | None:
    """The device that this person's session was opened with; None when it is gone or somebody else's."""
    device = Device.from_persistent_id(persistent_id) if persistent_id else None
    return device if device and device.user_id == user.pk and device.confirmed else None


def use_code(*, user: User, typed: str) -> Device:
    """Raises WrongCodeError, TooManyCodesError."""
    return _use(TOTPDevice, user, typed)


def use_recovery_code(*, user: User, typed: str) -> Device:
    """Once only. Raises WrongCodeError, TooManyCodesError."""
    return _use(StaticDevice, user, _fingerprint(user, typed))


def _use(kind: type[Device], user: User, token: str) -> Device:
    with transaction.atomic():  # the row is locked: the same code twice at once is used once
        device = kind.objects.select_for_update().filter(user_id=user.pk, confirmed=True).first()
        if device is None:
            raise WrongCodeError
        device.throttling_failure_count = min(device.throttling_failure_count, MOST_FAILURES_COUNTED)
        is_allowed, why = device.verify_is_allowed()
        is_right = is_allowed and device.verify_token(token)
    if not is_allowed:  # raised out here: inside, the count of failures would be rolled back
        raise TooManyCodesError(why["locked_until"])
    if not is_right:
        raise WrongCodeError
    return device


def new_key() -> str:
    """A secret as hexadecimal digits."""
    return str(random_hex(KEY_BYTES))


def enroll(*, user: User, key: str, typed: str, is_change: bool = False) -> tuple[Device, list[str]]:
    """Make `key` the person's device, if they can show a code of it; the device and ten recovery codes.

    Raises WrongCodeError; AlreadySetUpError when there is one and it is not to be changed.
    """
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    if not (typed.isdecimal() and totp.verify(int(typed), tolerance=1)):
        raise WrongCodeError
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if is_set_up(user) and not is_change:
            raise AlreadySetUpError
        forget(user=user)
        device = TOTPDevice.objects.create(user=user, name="Phone", key=key, drift=totp.drift, last_t=totp.t())
        return device, renew_recovery_codes(user=user)


@transaction.atomic
def renew_recovery_codes(*, user: User) -> list[str]:
    """Ten new ones; the old ones are worth nothing any more. Only their fingerprints are kept."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    device, _ = StaticDevice.objects.get_or_create(user_id=user.pk, defaults={"name": "Recovery codes"})
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    device.token_set.all().delete()
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_fingerprint(user, code)) for code in codes)
    return codes


def recovery_codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user_id=user.pk).count())


@transaction.atomic
def forget(*, user: User) -> None:
    """The person enrolls anew at the next sign-in; sessions opened with these devices end at once."""
    TOTPDevice.objects.filter(user_id=user.pk).delete()
    StaticDevice.objects.filter(user_id=user.pk).delete()


def _new_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(LETTERS_IN_A_CODE))
    return f"{letters[:5]}-{letters[5:]}"


def _fingerprint(user: User, code: str) -> str:
    """80 bits, as many as django-otp's column holds: a copy of the database shows nobody's codes."""
    letters = "".join(character for character in code.lower() if character.isalnum())
    digest = salted_hmac("revival.staff.two_factor.recovery", f"{user.pk}:{letters}", algorithm="sha256").digest()
    return b32encode(digest[:10]).decode().lower()


def as_words(key: str) -> str:
    """The key as an app wants it typed, in groups of four."""
    text = _base32(key)
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def address(*, user: User, key: str, issuer: str) -> str:
    """What the picture says, as authenticator apps read it (Key Uri Format)."""
    label = quote(f"{issuer.replace(':', '')}:{user.get_username()}")
    return f"otpauth://totp/{label}?" + urlencode({"secret": _base32(key), "issuer": issuer}, quote_via=quote)


def _base32(key: str) -> str:
    return b32encode(unhexlify(key)).decode().rstrip("=")


@dataclass(frozen=True)
class Picture:
    """A QR code as an SVG path: `size` modules wide, quiet zone included."""

    size: int
    path: str


def picture(text: str) -> Picture:
    import qrcode  # with Pillow behind it: 4 MB that only a colleague's first sign-in needs

    code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    rows = code.get_matrix()
    dark = ((row, column) for row, cells in enumerate(rows) for column, is_dark in enumerate(cells) if is_dark)
    return Picture(size=len(rows), path="".join(f"M{column} {row}h1v1h-1z" for row, column in dark))
