"""Phone numbers: whatever people type or paste becomes one number, or is refused for what is wrong with it."""

import unicodedata

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.people.phones import COUNTRIES, PhoneError, PhoneProblem, digits_in, plain_phone, read_phone
from tests.exhaustive import EXHAUSTIVE

ADA = "+16125550142"
DIGITS = [
    "".join(chr(ord(zero) + digit) for digit in range(10))
    for zero in map(chr, range(0x110000))
    if unicodedata.category(zero) == "Nd" and unicodedata.decimal(zero) == 0
]
"""The ten digits of each script."""
DASHES = sorted({chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Pd"} | set("−ー"))
SPACES = sorted(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs")
INVISIBLE = [
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u200e",
    "\u200f",
    "\u202a",
    "\u202c",
    "\u2066",
]
BETWEEN = st.sampled_from([*DASHES, *SPACES, ".", "·", "/", "", " - "])
EXAMPLES = {country: phonenumbers.example_number(country) for country in sorted(COUNTRIES)}


@pytest.mark.parametrize(
    "typed",
    [
        *("612-555-0142", "(612) 555-0142", "612.555.0142", "6125550142", "1 612 555 0142", "+1 (612) 555 0142"),
        *("tel:+1-612-555-0142", "612\u00a0555\u20090142", "612‑555–0142", "６１２－５５５－０１４２", "٦١٢٥٥٥٠١٤٢"),
        *("\u202a612-555-0142\u202c", "612\u200b555\u200b0142", "011 1 612 555 0142", "\t612-555-0142\n"),
    ],
)
def test_what_people_paste_is_read(typed):
    assert read_phone(typed, "US") == (ADA, "")


@pytest.mark.parametrize(
    "typed", ["612-555-0142 ext. 7", "612-555-0142x7", "tel:+1-612-555-0142;ext=7", "612-555-0142 #٧"]
)
def test_an_extension_stands_apart(typed):
    assert read_phone(typed, "US") == (ADA, "7")


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", PhoneProblem.NOT_DIGITS),
        ("2", PhoneProblem.NOT_DIGITS),
        ("ext 2", PhoneProblem.NOT_DIGITS),
        ("-", PhoneProblem.NOT_DIGITS),
        ("\u200b\u3164", PhoneProblem.LETTERS),
        ("call me", PhoneProblem.LETTERS),
        ("612-CALL-NOW", PhoneProblem.LETTERS),
        ("612-555-0142 ext", PhoneProblem.LETTERS),
        ("555-0142", PhoneProblem.NO_AREA_CODE),
        ("612-555-014", PhoneProblem.TOO_SHORT),
        ("612-555-0142 / 612-555-0143", PhoneProblem.TOO_LONG),
        ("612-555-01422", PhoneProblem.TOO_LONG),
        ("+999 555 0142", PhoneProblem.NO_SUCH_COUNTRY),
        ("612-555-0142 ext 123456789012", PhoneProblem.LONG_EXTENSION),
    ],
)
def test_what_is_no_number_is_refused_for_what_is_wrong(typed, problem):
    with pytest.raises(PhoneError) as refusal:
        read_phone(typed, "US")
    assert refusal.value.problem is problem


@settings(max_examples=2000 if EXHAUSTIVE else 60, deadline=None)
@given(st.data())
def test_one_number_in_any_script_with_any_marks_is_the_same_number(data):
    country = data.draw(st.sampled_from(sorted(EXAMPLES)))
    number = EXAMPLES[country]
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    extension = data.draw(st.sampled_from(["", "7", "0042"]))
    script = data.draw(st.sampled_from(DIGITS))
    typed = "+"
    for place, digit in enumerate(plain[1:]):
        typed += script[int(digit)] + data.draw(st.sampled_from(["", *INVISIBLE]))
        typed += data.draw(BETWEEN) if 2 < place < len(plain) - 2 and place % 3 == 0 else ""
    typed += f" x{extension}" if extension else ""

    read = read_phone(typed, data.draw(st.sampled_from(["US", country])))

    assert read == (plain, extension)
    assert read_phone(read.e164, "DE") == (plain, "")


@settings(max_examples=2000 if EXHAUSTIVE else 60, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_plain_text_stays_plain(typed):
    assert plain_phone(plain_phone(typed)) == plain_phone(typed)
    assert digits_in(typed).isascii()
    try:
        number = read_phone(typed, "US")
    except PhoneError:
        return
    assert read_phone(number.e164, "US").e164 == number.e164


def test_a_number_nobody_has_is_read_but_known_as_such():
    assert read_phone("612-555-0142", "US").is_in_use
    assert not read_phone("999-999-9999", "US").is_in_use
