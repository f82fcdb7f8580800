"""Second factors and first passwords of staff; the change log of accounts, and the view over all its parts."""

from __future__ import annotations

from binascii import unhexlify
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import models
from django.utils import timezone
from django_otp.models import Device, TimestampMixin
from django_otp.plugins.otp_totp.models import TOTPDevice

from revival.base.change_log import create_change_model
from revival.base.django_types import Passed
from revival.staff import sealing


class Phone(TOTPDevice):
    """An authenticator app. Its key stands sealed in the table (revival/staff/sealing.py)."""

    key: str  # django-otp has no types

    class Meta:
        proxy = True
        default_permissions = ()

    @property
    def bin_key(self) -> bytes:
        """The key in the clear. Raises SealError."""
        return unhexlify(sealing.unseal(self.key, self.user_id))

    def verify_token(self, token: Any) -> bool:  # Any: as django-otp's own; text or a number
        """As django-otp, and False when the key was sealed with another SECRET_KEY."""
        try:
            return bool(super().verify_token(token))
        except sealing.SealError:
            return False

    def save(self, *args: Passed, **kwargs: Passed) -> None:
        if not sealing.is_sealed(self.key):
            self.key = sealing.seal(self.key, self.user_id)
        super().save(*args, **kwargs)


class Passkey(TimestampMixin, Device):
    """A passkey or security key: the public half of a WebAuthn credential. It opens nothing by itself."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    credential_id = models.BinaryField(max_length=1023, unique=True)
    public_key = models.BinaryField(max_length=1023)  # COSE_Key, RFC 9052
    sign_count = models.PositiveBigIntegerField(default=0)  # uses so far; many keys say 0 always

    class Meta:
        default_permissions = ()


class FirstPassword(models.Model):
    """Moment at which somebody else chose a new password for a colleague. Deleted once they chose their own."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"First password of account {self.user_id}"


# Django's own tables are tracked through proxy models, because the triggers belong into migrations of ours.


class Account(User):
    class Meta:
        proxy = True
        default_permissions = ()


class Membership(User.groups.through):  # type: ignore[name-defined]
    class Meta:
        proxy = True
        default_permissions = ()


class RoleRight(Group.permissions.through):  # type: ignore[name-defined]
    class Meta:
        proxy = True
        default_permissions = ()


class AccountRight(User.user_permissions.through):  # type: ignore[name-defined]
    class Meta:
        proxy = True
        default_permissions = ()


NOT_ONLY_SIGNED_IN = "to_jsonb(OLD) - 'last_login' IS DISTINCT FROM to_jsonb(NEW) - 'last_login'"

AccountChange = create_change_model(
    Account, "is_active", "is_staff", "is_superuser", app="revival", condition=NOT_ONLY_SIGNED_IN
)
MembershipChange = create_change_model(Membership, "user", "group", app="revival")
RoleRightChange = create_change_model(RoleRight, "group", "permission", app="revival")
AccountRightChange = create_change_model(AccountRight, "user", "permission", app="revival")


class Change(models.Model):
    """Line of the change log, read from a database view over all tables of changes (see its migration)."""

    key = models.TextField(primary_key=True)
    at = models.DateTimeField()
    about = models.TextField("of")
    number = models.BigIntegerField()
    what = models.TextField()
    user = models.ForeignKey(User, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+")
    place = models.TextField("where", null=True)  # noqa: DJ001 - the view says so
    facts = models.JSONField("as it then was")

    class Meta:
        managed = False
        db_table = "revival_change"
        ordering = ["-at", "key"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Change {self.key}"
