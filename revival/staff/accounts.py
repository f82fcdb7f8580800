"""Who may sign in at the desk, and who looks after that: there is always somebody."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from . import two_factor

OWNER = "Owner"


class LastOwnerError(Exception):
    """Nobody else could give and take roles any more."""


class OwnerExistsError(Exception):
    """There is an owner; a colleague asks them for an account."""


class NameTakenError(Exception):
    """Somebody has that name."""


def active_owners() -> QuerySet[User]:
    return User.objects.filter(is_active=True, is_staff=True, groups__name=OWNER)


def keep_an_owner(*, without: User) -> None:
    """Raises LastOwnerError. Call it in the transaction that takes the role or the account away: it locks
    the role until the end, so that of two owners who take it from each other one is refused."""
    Group.objects.select_for_update(no_key=True).get(name=OWNER)
    if not active_owners().exclude(pk=without.pk).exists():
        raise LastOwnerError


def is_last_owner(user: User) -> bool:
    """To say so beforehand; only `keep_an_owner` is sure."""
    return user in active_owners() and not active_owners().exclude(pk=user.pk).exists()


def has_a_first_password(user: User) -> bool:
    """Somebody else chose it: nobody has signed in with it yet. Technical accounts come from the command
    line, where people choose their own."""
    return user.last_login is None and not user.is_superuser


def give_first_password(user: User, password: str) -> None:
    """The person chooses their own at the next sign-in. Not saved yet."""
    user.set_password(password)
    user.last_login = None


def choose_password(user: User, password: str) -> None:
    user.set_password(password)
    user.last_login = timezone.now()
    user.save(update_fields=["password", "last_login"])


@transaction.atomic
def make_first_owner(*, name: str, password: str, is_again: bool = False) -> User:
    """Raises OwnerExistsError; NameTakenError. With `is_again` neither: an account of that name gets the
    role, this password and a new second factor."""
    role = Group.objects.select_for_update(no_key=True).get(name=OWNER)
    if active_owners().exists() and not is_again:
        raise OwnerExistsError
    user = User.objects.filter(username=name).first() or User(username=name)
    if user.pk and not is_again:
        raise NameTakenError
    user.is_staff = user.is_active = True
    give_first_password(user, password)
    user.save()
    user.groups.add(role)
    two_factor.forget(user=user)
    return user
