"""Owners and passwords of staff accounts. The clinic always keeps at least one owner."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from revival.models import FirstPassword

from . import two_factor

OWNER = "Owner"


class LastOwnerError(Exception):
    """The change would leave nobody who can give and take roles."""


class OwnerExistsError(Exception):
    """There is an owner already, who can add colleagues."""


class NameTakenError(Exception):
    """An account has that name already."""


def active_owners() -> QuerySet[User]:
    return User.objects.filter(is_active=True, is_staff=True, groups__name=OWNER)


def keep_an_owner(*, without: User) -> None:
    """Raises LastOwnerError when there would be no owner without this one. Call it in the transaction that takes
    the role or the account away: it locks the role until the end, so that of two owners who take it from each
    other at the same time one is refused."""
    Group.objects.select_for_update(no_key=True).get(name=OWNER)
    if not active_owners().exclude(pk=without.pk).exists():
        raise LastOwnerError


def has_a_first_password(user: User) -> bool:
    """Whether somebody else chose the password: its owner has not signed in with it yet. People choose the
    passwords of technical accounts themselves, on the command line."""
    return user.last_login is None and not user.is_superuser


def first_password_ends_at(user: User) -> datetime | None:
    """Moment from which a first password opens nothing; None for a password that the person chose themselves."""
    if not has_a_first_password(user):
        return None
    given_at = FirstPassword.objects.filter(user=user).values_list("given_at", flat=True).first() or user.date_joined
    return given_at + timedelta(hours=settings.FIRST_PASSWORD_HOURS)


@transaction.atomic
def give_first_password(*, user: User, password: str) -> None:
    """Save the account with a password that the person has to replace, within FIRST_PASSWORD_HOURS."""
    user.set_password(password)
    user.last_login = None
    user.save()
    FirstPassword.objects.update_or_create(user=user, defaults={"given_at": timezone.now()})


@transaction.atomic
def choose_password(*, user: User, password: str) -> None:
    user.set_password(password)
    user.last_login = timezone.now()
    user.save(update_fields=["password", "last_login"])
    FirstPassword.objects.filter(user=user).delete()


@transaction.atomic
def make_first_owner(*, name: str, password: str, is_again: bool = False) -> User:
    """Create an owner's account. Raises OwnerExistsError, NameTakenError.

    With `is_again` neither is raised: an account of that name gets the role, this password and a new second factor.
    """
    role = Group.objects.select_for_update(no_key=True).get(name=OWNER)
    if active_owners().exists() and not is_again:
        raise OwnerExistsError
    user = User.objects.filter(username=name).first() or User(username=name)
    if user.pk and not is_again:
        raise NameTakenError
    user.is_staff = user.is_active = True
    give_first_password(user=user, password=password)
    user.groups.add(role)
    two_factor.forget(user=user)
    return user
