"""Rows that belong to a therapist: who sees them at the desk, and grouping by therapist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import ClassVar, Protocol, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from revival.base.desk_parts.staff_request import StaffUser

SEE_EVERY_PATIENT = "booking.see_every_patient"

M = TypeVar("M", bound=models.Model)


class OwnOnly(models.QuerySet[M]):
    """Rows that belong to a therapist; `owners` are the paths to the therapists' accounts."""

    owners: ClassVar[tuple[str, ...]] = ("therapist__account",)

    def seen_by(self, user: StaffUser | AnonymousUser) -> Self:
        """The rows this user sees and acts on at the desk: everyone's, or those of the therapist they are."""
        if user.has_perm(SEE_EVERY_PATIENT):
            return self
        return self.owned_by(user)

    def owned_by(self, user: StaffUser | AnonymousUser) -> Self:
        if not user.is_authenticated:  # else `account = None` would find the therapists without an account
            return self.none()
        return self.filter(any_of(self.owners, "exact", user.pk))


class _WithTherapist(Protocol):
    @property
    def therapist_id(self) -> int | None: ...


R = TypeVar("R", bound=_WithTherapist)


def group_by_therapist(rows: Iterable[R]) -> defaultdict[int | None, list[R]]:
    """Groups rows by their therapist's id in one pass (a nested loop would be quadratic); the order stays."""
    groups: defaultdict[int | None, list[R]] = defaultdict(list)
    for row in rows:
        groups[row.therapist_id].append(row)
    return groups


def any_of(paths: tuple[str, ...], lookup: str, value: str | int) -> Q:
    return reduce(or_, (Q(**{f"{path}__{lookup}": value}) for path in paths))
