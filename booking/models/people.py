"""What every table with people in it can do: show a therapist only their own, and find someone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.db.models import F, Func, Q, Value

SEE_EVERY_PATIENT = "booking.see_every_patient"
NATIONAL = 10  # digits of a phone number without the country's

M = TypeVar("M", bound=models.Model)


class OwnOnly(models.QuerySet[M]):
    """`owners` are the paths to the accounts whose rows these are."""

    owners: ClassVar[tuple[str, ...]] = ("therapist__account",)

    def seen_by(self, user: Any) -> Any:
        """What this person at the desk sees and acts on: everyone's rows, or those of their own therapist."""
        if user.has_perm(SEE_EVERY_PATIENT):
            return self
        return self.owned_by(user)

    def owned_by(self, user: Any) -> Any:
        if not user.is_authenticated:  # else `account = None` would find the therapists without an account
            return self.none()
        return self.filter(_one_of(self.owners, "exact", user.pk))


def of_each(rows: Iterable[M]) -> defaultdict[int | None, list[M]]:
    """Rows by their therapist's id, each therapist's in the order given. Looked up, never searched for: a thousand
    therapists with a thousand visits are a million pairs."""
    found: defaultdict[int | None, list[M]] = defaultdict(list)
    for row in rows:
        found[row.therapist_id].append(row)  # type: ignore[attr-defined]
    return found


class WithPeople(OwnOnly[M]):
    """Tables that hold names, e-mail addresses and phones, their own or those of a visit."""

    names: ClassVar[tuple[str, ...]] = ("name",)
    emails: ClassVar[tuple[str, ...]] = ("email",)
    phones: ClassVar[tuple[str, ...]] = ("phone",)

    def found(self, *, name: str = "", email: str = "", phone: str = "") -> Any:
        """Those in which all of what was typed is, each perhaps in part. Nothing typed finds nobody."""
        rows = self if (name or email or digits_of(phone)) else self.none()
        if name:
            rows = rows.filter(_one_of(self.names, "icontains", name))
        if email:
            rows = rows.filter(_one_of(self.emails, "icontains", email))
        return rows._with_phone("contains", digits_of(phone)) if digits_of(phone) else rows

    def of_one(self, *, email: str = "", phone: str = "") -> Any:
        """Rows with exactly this e-mail address, or this phone however it was written."""
        by_email = self.filter(_one_of(self.emails, "iexact", email)) if email else self.none()
        digits = digits_of(phone)[-NATIONAL:]
        by_phone = self._with_phone("endswith", digits) if digits else self.none()
        return self.filter(Q(pk__in=by_email.values("pk")) | Q(pk__in=by_phone.values("pk")))

    def _with_phone(self, lookup: str, digits: str) -> Any:
        columns = {f"digits_{number}": only_digits(path) for number, path in enumerate(self.phones)}
        return self.alias(**columns).filter(_one_of(tuple(columns), lookup, digits))


def _one_of(paths: tuple[str, ...], lookup: str, value: Any) -> Q:
    return reduce(or_, (Q(**{f"{path}__{lookup}": value}) for path in paths))


def digits_of(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def only_digits(path: str) -> Func:
    """The same for a column."""
    return Func(
        F(path), Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=models.CharField()
    )
