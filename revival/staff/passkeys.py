"""Passkeys and security keys (WebAuthn Level 3): a second factor that no copied page can ask for.

The browser signs the address of the page that asked, so a key made here signs nothing for another site. A key stands
beside the phone's code and never replaces the password. Each person has two at most, one to use and one to keep.

The signatures are checked by py_webauthn. django-otp-webauthn, a layer above it, was weighed on 2026-11-30
(docs/decisions/passkeys.md): its models load the cryptography at start, 15 MB in each process.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from revival.models import Passkey

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

MOST = 2
CHALLENGE_SECONDS = 5 * 60
LONGEST_ANSWER = 20_000  # characters of JSON; those of known keys have 1,500 at most
ADD, USE = "passkey_to_add", "passkey_to_use"  # where a session keeps its open challenge, one for each purpose


class RefusedError(Exception):
    """The answer is not one of this browser's key to our latest question."""


class TooManyError(Exception):
    """The person has two passkeys already."""


class TakenError(Exception):
    """This key is registered already."""


def are_possible() -> bool:
    """Whether SITE_URL has a name: browsers make no passkeys for addresses in digits."""
    try:
        ipaddress.ip_address(_site_name())
    except ValueError:
        return True
    return False


def of(user: User) -> list[Passkey]:
    return list(Passkey.objects.filter(user_id=user.pk).order_by("created_at"))


def ask_to_add(session: SessionBase, user: User, clinic_name: str) -> str:
    """Options for `navigator.credentials.create` as JSON. Raises TooManyError."""
    import webauthn
    from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement

    keys = of(user)
    if len(keys) >= MOST:
        raise TooManyError
    options = webauthn.generate_registration_options(
        rp_id=_site_name(),
        rp_name=clinic_name,
        user_id=_handle(user),
        user_name=user.get_username(),
        user_display_name=user.get_full_name() or user.get_username(),
        timeout=CHALLENGE_SECONDS * 1000,
        exclude_credentials=_descriptors(keys),
        # A key that keeps no list of accounts is as good here: the password comes first, and says whose key to ask for.
        authenticator_selection=AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.DISCOURAGED),
    )
    _keep(session, ADD, user, options.challenge)
    return webauthn.options_to_json(options)


def add(*, session: SessionBase, user: User, answer: str, name: str) -> Passkey:
    """Store the key that `answer` comes from. Raises RefusedError, TooManyError, TakenError."""
    import webauthn

    try:
        made = webauthn.verify_registration_response(
            credential=_bounded(answer),
            expected_challenge=_take(session, ADD, user),
            expected_rp_id=_site_name(),
            expected_origin=_origin(),
        )
    except _malformed() as error:
        raise RefusedError from error
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if Passkey.objects.filter(user_id=user.pk).count() >= MOST:
            raise TooManyError
        try:
            with transaction.atomic():
                return Passkey.objects.create(
                    user=user,
                    name=name,
                    credential_id=made.credential_id,
                    public_key=made.credential_public_key,
                    sign_count=made.sign_count,
                )
        except IntegrityError:
            raise TakenError from None


def ask_to_use(session: SessionBase, user: User) -> str:
    """Options for `navigator.credentials.get` as JSON, naming this person's keys alone."""
    import webauthn

    options = webauthn.generate_authentication_options(
        rp_id=_site_name(), timeout=CHALLENGE_SECONDS * 1000, allow_credentials=_descriptors(of(user))
    )
    _keep(session, USE, user, options.challenge)
    return webauthn.options_to_json(options)


def use(*, session: SessionBase, user: User, answer: str) -> Passkey:
    """The person's key that signed our latest question. Raises RefusedError, also when the key's counter went back."""
    import webauthn
    from webauthn.helpers import parse_authentication_credential_json

    try:
        credential = parse_authentication_credential_json(_bounded(answer))
        challenge = _take(session, USE, user)
        with transaction.atomic():  # the row is locked, so that two answers cannot raise the counter from one value
            key = Passkey.objects.select_for_update().get(user_id=user.pk, credential_id=credential.raw_id)
            signed = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=_site_name(),
                expected_origin=_origin(),
                credential_public_key=bytes(key.public_key),
                credential_current_sign_count=key.sign_count,
            )
            key.sign_count, key.last_used_at = signed.new_sign_count, timezone.now()
            key.save(update_fields=["sign_count", "last_used_at"])
            return key
    except (Passkey.DoesNotExist, *_malformed()) as error:
        raise RefusedError from error


def remove(*, user: User, number: int) -> Passkey | None:
    """Delete the person's key with this primary key, and so every session that was opened with it."""
    key = Passkey.objects.filter(user_id=user.pk, pk=number).first()
    if key is not None:
        Passkey.objects.filter(pk=key.pk).delete()
    return key


def _descriptors(keys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=bytes(key.credential_id)) for key in keys]


def _keep(session: SessionBase, purpose: str, user: User, challenge: bytes) -> None:
    session[purpose] = {"user": user.pk, "challenge": challenge.hex(), "at": timezone.now().timestamp()}


def _take(session: SessionBase, purpose: str, user: User) -> bytes:
    """The open challenge, which is good for one answer. Raises RefusedError when there is none or it is too old."""
    kept = session.pop(purpose, None)
    if not kept or kept["user"] != user.pk or timezone.now().timestamp() - kept["at"] >= CHALLENGE_SECONDS:
        raise RefusedError
    return bytes.fromhex(kept["challenge"])


def _bounded(answer: str) -> str:
    if len(answer) > LONGEST_ANSWER:
        raise RefusedError
    return answer


def _malformed() -> tuple[type[Exception], ...]:
    """What py_webauthn raises for an answer that is wrong, or is no answer at all."""
    from webauthn.helpers.exceptions import WebAuthnException

    return (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError)


def _handle(user: User) -> bytes:
    """32 bytes that stand for the account in its keys and tell nothing about it."""
    return salted_hmac("revival.staff.passkeys.handle", str(user.pk), algorithm="sha256").digest()


def _site_name() -> str:
    """The relying party's id: the name in SITE_URL, so that no key works on another site."""
    return urlsplit(settings.SITE_URL).hostname or ""


def _origin() -> str:
    parts = urlsplit(settings.SITE_URL)
    return f"{parts.scheme}://{parts.netloc}"
