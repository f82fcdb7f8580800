"""Second factor: a code from one's phone (TOTP, RFC 6238), a passkey, or one of ten recovery codes.

django-otp stores the devices, refuses a code that was used, and slows down guessing. One person has one
phone and one set of recovery codes; enrolling anew replaces both, which ends every session that was
opened with the old ones. Passkeys (revival/staff/passkeys.py) stand beside the phone and stay.
"""

from __future__ import annotations

import secrets
import time
from base64 import b32encode
from binascii import unhexlify
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.util import random_hex

from revival.models import Passkey, Phone

from . import sealing

KEY_BYTES = 20  # what RFC 4226 recommends; 32 characters to type
RECOVERY_CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # without those that are easily mistaken for another
LETTERS_IN_A_CODE = 10  # 49 bits
MOST_FAILURES_COUNTED = 11
"""Each wrong code doubles the wait: 1, 2, 4 … seconds. At 1024 seconds, a quarter of an hour, it stops
growing: someone who knows the password could otherwise shut a colleague out for years by guessing codes."""


class WrongCodeError(Exception):
    """The code is not the present one, or was used before."""


class TooManyCodesError(Exception):
    """Too many wrong codes: every code is refused until `until`, even a right one."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


class AlreadySetUpError(Exception):
    """The person has a device; only they themselves, or an owner who resets it, can replace it."""


def is_required() -> bool:
    return bool(settings.TWO_FACTOR_REQUIRED)


def phone_of(user: User) -> Phone | None:
    phone: Phone | None = Phone.objects.filter(user_id=user.pk, confirmed=True).first()
    return phone


def is_set_up(user: User) -> bool:
    return bool(Phone.objects.filter(user_id=user.pk, confirmed=True).exists())


def find_device(user: User, persistent_id: str | None) -> Device | None:
    """The device with this id; None when it is gone, or belongs to another person."""
    device = Device.from_persistent_id(persistent_id) if persistent_id else None
    return device if device and device.user_id == user.pk and device.confirmed else None


def use_code(*, user: User, code: str) -> Device:
    """Use up a code from the person's phone. Raises WrongCodeError, TooManyCodesError."""
    return _use(Phone, user, code)


def use_recovery_code(*, user: User, code: str) -> Device:
    """Use up a recovery code. Raises WrongCodeError, TooManyCodesError."""
    return _use(StaticDevice, user, _fingerprint(user, code))


def _use(kind: type[Device], user: User, token: str) -> Device:
    with transaction.atomic():  # the row is locked, so that the same code sent twice at once is used once
        device = kind.objects.select_for_update().filter(user_id=user.pk, confirmed=True).first()
        if device is None:
            raise WrongCodeError
        device.throttling_failure_count = min(device.throttling_failure_count, MOST_FAILURES_COUNTED)
        is_allowed, reason = device.verify_is_allowed()
        is_right = is_allowed and device.verify_token(token)
    if not is_allowed:  # raised outside the transaction, which would roll the count of failures back
        raise TooManyCodesError(reason["locked_until"])
    if not is_right:
        raise WrongCodeError
    return device


def new_key() -> str:
    """A secret as hexadecimal digits."""
    return str(random_hex(KEY_BYTES))


def enroll(*, user: User, key: str, code: str, is_change: bool = False) -> tuple[Device, list[str]]:
    """Make `key` the person's device if `code` is a code of it. Returns the device and ten recovery codes.

    Raises WrongCodeError; AlreadySetUpError when there is a device and it is not to be changed.
    """
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    if not (code.isdecimal() and totp.verify(int(code), tolerance=1)):
        raise WrongCodeError
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if is_set_up(user) and not is_change:
            raise AlreadySetUpError
        _forget_phone(user)
        device = Phone.objects.create(user=user, name="Phone", key=key, drift=totp.drift, last_t=totp.t())
        return device, renew_recovery_codes(user=user)


@transaction.atomic
def renew_recovery_codes(*, user: User) -> list[str]:
    """Replace the recovery codes by ten new ones. Only fingerprints of the codes are stored."""
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
    """Delete the person's devices: they enroll anew at the next sign-in, and their sessions end at once."""
    _forget_phone(user)
    Passkey.objects.filter(user_id=user.pk).delete()


def _forget_phone(user: User) -> None:
    Phone.objects.filter(user_id=user.pk).delete()
    StaticDevice.objects.filter(user_id=user.pk).delete()


def seal_keys() -> None:
    """Encrypt the keys that were stored before keys were sealed. For the nightly job."""
    for phone in Phone.objects.exclude(key__startswith=sealing.PREFIX).select_for_update():
        phone.save(update_fields=["key"])


def _new_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(LETTERS_IN_A_CODE))
    return f"{letters[:5]}-{letters[5:]}"


def _fingerprint(user: User, code: str) -> str:
    """Keyed hash of a recovery code, so that a copy of the database shows no codes. 80 bits fit django-otp's column."""
    letters = "".join(character for character in code.lower() if character.isalnum())
    digest = salted_hmac("revival.staff.two_factor.recovery", f"{user.pk}:{letters}", algorithm="sha256").digest()
    return b32encode(digest[:10]).decode().lower()


def key_in_groups(key: str) -> str:
    """The key in base 32 and groups of four, to type into an authenticator app."""
    text = _base32(key)
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def otpauth_uri(*, user: User, key: str, issuer: str) -> str:
    """Address with the key that authenticator apps read from a QR code (Key Uri Format)."""
    label = quote(f"{issuer.replace(':', '')}:{user.get_username()}")
    return f"otpauth://totp/{label}?" + urlencode({"secret": _base32(key), "issuer": issuer}, quote_via=quote)


def _base32(key: str) -> str:
    return b32encode(unhexlify(key)).decode().rstrip("=")


@dataclass(frozen=True)
class QrCode:
    """QR code as an SVG path: `size` modules wide, quiet zone included."""

    size: int
    path: str


def draw_qr_code(text: str) -> QrCode:
    import qrcode  # loads Pillow, 4 MB that only a colleague's first sign-in needs

    drawing = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
    drawing.add_data(text)
    rows = drawing.get_matrix()
    dark = ((row, column) for row, cells in enumerate(rows) for column, is_dark in enumerate(cells) if is_dark)
    return QrCode(size=len(rows), path="".join(f"M{column} {row}h1v1h-1z" for row, column in dark))
