"""Queries of every table with people in it: a therapist's own rows, and rows by name, e-mail address or phone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import ClassVar, Protocol, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Func, Q, Value

from revival.base.desk_parts.staff_request import StaffUser

SEE_EVERY_PATIENT = "booking.see_every_patient"
NATIONAL = 10  # digits of a phone number without the country's

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
        return self.filter(_one_of(self.owners, "exact", user.pk))


class PersonDetails(Protocol):
    """Who booked, how to reach them, and for whom: a row or a form has them under these names."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def patient_name(self) -> str: ...


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


class WithPeople(OwnOnly[M]):
    """Rows with a name, e-mail address and phone, their own or those of a visit."""

    names: ClassVar[tuple[str, ...]] = ("name",)
    emails: ClassVar[tuple[str, ...]] = ("email",)
    phones: ClassVar[tuple[str, ...]] = ("phone",)

    def matching(self, *, name: str = "", email: str = "", phone: str = "") -> Self:
        """Rows that contain all of what was typed, each perhaps in part. Nothing typed matches nothing."""
        rows = self if (name or email or digits_of(phone)) else self.none()
        if name:
            rows = rows.filter(_one_of(self.names, "icontains", name))
        if email:
            rows = rows.filter(_one_of(self.emails, "icontains", email))
        return rows._with_phone("contains", digits_of(phone)) if digits_of(phone) else rows

    def of_contact(self, *, email: str = "", phone: str = "") -> Self:
        """Rows with exactly this e-mail address, or this phone however it was written."""
        by_email = self.filter(_one_of(self.emails, "iexact", email)) if email else self.none()
        digits = digits_of(phone)[-NATIONAL:]
        by_phone = self._with_phone("endswith", digits) if digits else self.none()
        return self.filter(Q(pk__in=by_email.values("pk")) | Q(pk__in=by_phone.values("pk")))

    def _with_phone(self, lookup: str, digits: str) -> Self:
        columns = {f"digits_{number}": only_digits(path) for number, path in enumerate(self.phones)}
        return self.alias(**columns).filter(_one_of(tuple(columns), lookup, digits))


def _one_of(paths: tuple[str, ...], lookup: str, value: str | int) -> Q:
    return reduce(or_, (Q(**{f"{path}__{lookup}": value}) for path in paths))


def digits_of(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def only_digits(path: str) -> Func:
    """The digits of a column, as `digits_of` gives them of a text."""
    return Func(
        F(path), Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=models.CharField()
    )
