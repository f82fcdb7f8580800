"""Phone numbers as people type or paste them, read into E.164 and an extension (ITU-T E.164, RFC 3966).

The numbering plans are those of libphonenumber (`phonenumberslite`). It refuses some dashes, spaces and invisible
marks that come along when a number is copied, so the text is made plain before it is read.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult
from phonenumbers.phonenumberutil import NumberParseException

COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""Codes of ISO 3166 (two capital letters) whose numbering plans are known."""

DASHES = {"−", "ー", "ｰ"}  # in no category of their own: minus sign, long vowel mark
DOTS = dict.fromkeys("·•∙‧・。", ".")
EXTENSION = re.compile(r"(?:;ext=|extension|extn?\.?|x|#|,)[ :]*[0-9]+$", re.IGNORECASE)
LONGEST_EXTENSION = 11


def calling_code(country: str) -> int:
    """The country code of its numbers, such as 1 for US; 0 for a country that is not known."""
    return phonenumbers.country_code_for_region(country)


class PhoneNumber(NamedTuple):
    """E.164 (`+` and up to 15 digits), and the digits of the extension or an empty text."""

    e164: str
    extension: str = ""

    @property
    def is_in_use(self) -> bool:
        """Whether the numbering plan of its country has given out numbers like this one."""
        return phonenumbers.is_valid_number(phonenumbers.parse(self.e164))


class PhoneProblem(Enum):
    """What is wrong with a text that is no phone number."""

    NOT_DIGITS = "no number"
    LETTERS = "letters"
    NO_AREA_CODE = "no area code"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    NO_SUCH_COUNTRY = "no such country"
    LONG_EXTENSION = "long extension"


class PhoneError(ValueError):
    """The text is no number that can be dialed; `problem` says why."""

    def __init__(self, problem: PhoneProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def read_phone(typed: str, country: str) -> PhoneNumber:
    """The number that was typed. Without a country code it is one of `country` (ISO 3166, two capital letters).

    Raises PhoneError for what cannot be a number; one that can be, but is not in use, is read.
    """
    text = plain_phone(typed)
    if re.search(r"[^\W\d_]", EXTENSION.sub("", text.removeprefix("tel:"))):
        raise PhoneError(PhoneProblem.LETTERS)
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as error:
        raise PhoneError(_PROBLEMS_OF_PARSING.get(error.error_type, PhoneProblem.NOT_DIGITS)) from error
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        raise PhoneError(_PROBLEMS_OF_LENGTH[reason])
    extension = number.extension or ""
    if len(extension) > LONGEST_EXTENSION:
        raise PhoneError(PhoneProblem.LONG_EXTENSION)
    return PhoneNumber(phonenumbers.format_number(number, PhoneNumberFormat.E164), extension)


def plain_phone(typed: str) -> str:
    """The same text with plain digits, dashes and spaces, and without marks that cannot be seen."""
    return re.sub(r"\s+", " ", "".join(map(_plain, unicodedata.normalize("NFKC", typed)))).strip()


def digits_in(typed: str) -> str:
    """The digits of a number typed in part, as they stand in E.164: without zeros that only lead within a country."""
    return re.sub(r"\D", "", EXTENSION.sub("", plain_phone(typed))).lstrip("0")


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character in DASHES:
        return "-"
    if category in ("Zs", "Zl", "Zp") or character in "\t\r\n":
        return " "
    if category in ("Cf", "Mn", "Me"):
        return ""
    return DOTS.get(character, character)


_PROBLEMS_OF_PARSING = {
    NumberParseException.INVALID_COUNTRY_CODE: PhoneProblem.NO_SUCH_COUNTRY,
    NumberParseException.TOO_SHORT_AFTER_IDD: PhoneProblem.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: PhoneProblem.TOO_SHORT,
    NumberParseException.TOO_LONG: PhoneProblem.TOO_LONG,
}
_PROBLEMS_OF_LENGTH = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: PhoneProblem.NO_AREA_CODE,
    ValidationResult.INVALID_COUNTRY_CODE: PhoneProblem.NO_SUCH_COUNTRY,
    ValidationResult.TOO_SHORT: PhoneProblem.TOO_SHORT,
    ValidationResult.TOO_LONG: PhoneProblem.TOO_LONG,
    ValidationResult.INVALID_LENGTH: PhoneProblem.TOO_SHORT,
}
