"""Change log of accounts and roles, and the view over all parts of the change log."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import models

from revival.base.change_log import create_change_model

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
