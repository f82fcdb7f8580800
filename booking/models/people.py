"""Rows with people in them: normal forms of name, e-mail address and phone, and the queries that compare them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, ClassVar, Protocol, Self, TypeVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from booking.people.addresses import address_key
from booking.people.names import name_key, name_words
from booking.people.phones import PhoneError, PhoneNumber, digits_in, read_phone

from .clinic import Clinic
from .owned_rows import OwnOnly, any_of

M = TypeVar("M", bound=models.Model)


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


@dataclass(frozen=True)
class Person:
    """Name, e-mail address and phone as they are kept or were typed, and who a visit is for if not them."""

    name: str
    email: str
    phone: str
    patient_name: str = ""

    @classmethod
    def of(cls, row: PersonKeys) -> Person:
        return cls(row.name, row.email, row.phone, getattr(row, "patient_name", ""))  # type: ignore[attr-defined]  # each has them

    @property
    def version(self) -> str:
        """What a correction is about; a digest that tells nothing of them."""
        return salted_hmac("booking.Person", repr(astuple(self))).hexdigest()[:32]


def clinic_country() -> str:
    """The country whose phone numbers need no country code (ISO 3166, two capital letters)."""
    clinic = Clinic.objects.current_if_any()
    return clinic.country if clinic else Clinic.COUNTRY


def phone_of(typed: str) -> PhoneNumber | None:
    """The number that was typed, by default one of the clinic's country; None for what cannot be a number."""
    try:
        return read_phone(typed, clinic_country()) if typed else None
    except PhoneError:
        return None


def phone_key(typed: str) -> str:
    """The number in E.164, without its extension; empty for what cannot be a number."""
    number = phone_of(typed)
    return number.e164 if number else ""


def phone_extension(typed: str) -> str:
    number = phone_of(typed)
    return number.extension if number else ""


KEY_OPTIONS: dict[str, Any] = {"default": "", "db_default": "", "blank": True, "editable": False}  # Any: options


class KeyField(models.TextField):
    """A column that each save writes anew from another one, as its normal form.

    `save(update_fields=...)` has to name it beside the other. Migrations see a plain text field.
    """

    def __init__(self, *, of: str, normal_form: Callable[[str], str]) -> None:
        super().__init__(**KEY_OPTIONS)
        self.of, self.normal_form = of, normal_form

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:  # Any: as in Django
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def clone(self) -> models.TextField:  # type: ignore[override]  # the state of migrations has plain fields
        return models.TextField(**KEY_OPTIONS)

    def pre_save(self, row: models.Model, add: bool) -> str:
        value = self.normal_form(getattr(row, self.of))
        setattr(row, self.attname, value)
        return value


class PersonKeys(models.Model):
    """A row with the `name`, `email` and `phone` of a person, and with their normal forms."""

    name_key = KeyField(of="name", normal_form=name_key)
    email_key = KeyField(of="email", normal_form=address_key)
    phone_e164 = KeyField(of="phone", normal_form=phone_key)
    phone_extension = KeyField(of="phone", normal_form=phone_extension)

    class Meta:
        abstract = True


class WithPeople(OwnOnly[M]):
    """Rows with the normal forms of a person (PersonKeys), their own or those of a visit."""

    name_keys: ClassVar[tuple[str, ...]] = ("name_key",)

    def matching(self, *, name: str = "", email: str = "", phone: str = "") -> Self:
        """Rows that contain all of what was typed, each perhaps in part. Nothing typed matches nothing.

        The words of a name may come in any order, without accents. A whole phone number is compared in its normal
        form, so it finds no longer one.
        """
        conditions = [*map(self._has_word, name_words(name)), *self._has_address(email), *self._has_phone(phone)]
        return self.filter(*conditions) if conditions else self.none()

    def of_contact(self, *, email: str = "", phone: str = "") -> Self:
        """Rows with this e-mail address, or this phone however it was written; extensions make no difference."""
        same_email = Q(email_key=address_key(email)) if email else Q(pk__in=[])
        number = phone_key(phone)
        return self.filter(same_email | (Q(phone_e164=number) if number else Q(pk__in=[])))

    def of_name(self, name: str) -> Self:
        """Rows of someone with exactly this name, however it was written. No name matches nothing."""
        key = name_key(name)
        return self.filter(name_key=key) if key else self.none()

    @classmethod
    def _has_word(cls, word: str) -> Q:
        return any_of(cls.name_keys, "contains", word)

    @staticmethod
    def _has_address(typed: str) -> list[Q]:
        part = address_key(typed)
        return [Q(email_key__contains=part)] if part else []

    @staticmethod
    def _has_phone(typed: str) -> list[Q]:
        if number := phone_key(typed):
            return [Q(phone_e164=number)]
        digits = digits_in(typed)
        return [Q(phone_e164__contains=digits)] if digits else []


PEOPLE_INDEXES = [
    models.Index(fields=["email_key"], condition=~Q(email_key=""), name="booking_appointment_by_email"),
    models.Index(fields=["phone_e164"], condition=~Q(phone_e164=""), name="booking_appointment_by_phone"),
    GinIndex(
        OpClass("name_key", "gin_trgm_ops"),
        OpClass("patient_name_key", "gin_trgm_ops"),
        OpClass("email_key", "gin_trgm_ops"),
        OpClass("phone_e164", "gin_trgm_ops"),
        name="booking_appointment_by_person",
    ),
]
"""Of visits: by the whole address or phone, and by a part of a name, address or phone as staff type it."""
