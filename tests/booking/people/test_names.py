"""Names and e-mail addresses: typed in two ways, they are the same person; nothing invisible is a name."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.people.addresses import address_key, clean_address, sending_address
from booking.people.names import clean_name, has_letter, name_key, name_words
from tests.exhaustive import EXHAUSTIVE


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("Zoë Müller", "zoe MULLER"),
        ("José", "Jose\u0301"),
        ("Łukasz Ødegård", "lukasz odegard"),
        ("O’Brien", "o'brien"),
        ("Anne-Marie", "Anne Marie"),
        ("  Ada \u00a0 Byron ", "Ada Byron"),
        ("Straße", "STRASSE"),
        ("محمد", "مُحَمَّد"),
        ("Α\u0301ννα", "Άννα"),
    ],
)
def test_two_spellings_are_one_name(typed, other):
    assert name_key(typed) == name_key(other) != ""


@pytest.mark.parametrize(("typed", "other"), [("कि", "कु"), ("か", "が"), ("Ada", "Adam"), ("李", "力")])
def test_other_names_are_others(typed, other):
    assert name_key(typed) != name_key(other)


def test_words_stand_in_any_order():
    assert sorted(name_words("Müller, Zoë")) == sorted(name_words("zoe muller"))


@pytest.mark.parametrize(
    "typed", ["", ".", "-", "\u200b", "\u3164", "\u2800", "\u200d\u200c", "123", "\u115f \u1160", "👍"]
)
def test_nothing_that_can_be_read_is_no_name(typed):
    assert not has_letter(clean_name(typed))


@pytest.mark.parametrize("typed", ["J", "李", "ש", "م", "अ", "Ö", "3rd Ada"])
def test_one_letter_of_any_script_is_enough(typed):
    assert has_letter(clean_name(typed))


@settings(max_examples=3000 if EXHAUSTIVE else 80, deadline=None)
@given(st.text(max_size=60))
def test_a_name_is_kept_and_compared_the_same_again(typed):
    kept = clean_name(typed)

    assert clean_name(kept) == kept
    assert unicodedata.is_normalized("NFC", kept)
    assert name_key(typed) == name_key(kept) == name_key(name_key(typed))
    assert name_key(typed) == name_key(unicodedata.normalize("NFD", typed))


@pytest.mark.parametrize(
    ("typed", "shown", "sent"),
    [
        ("Ada@EXAMPLE.com", "Ada@example.com", "Ada@example.com"),
        ("ada+visits@example.com", "ada+visits@example.com", "ada+visits@example.com"),
        ("ada@Bücher.example", "ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@bücher.example", "ada@xn--bcher-kva.example"),
        (" ada@例え.テスト ", "ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_the_domain_is_shown_in_unicode_and_sent_in_a_labels(typed, shown, sent):
    assert (clean_address(typed), sending_address(typed)) == (shown, sent)
    assert address_key(typed) == address_key(shown) == address_key(sent) == sent.lower()


@pytest.mark.parametrize("typed", ["ada@xn--\u00fc.example", "ada@exa\u202emple.com", "ada@xn--a.example"])
def test_a_domain_that_cannot_be_one_is_no_address(typed):
    with pytest.raises(UnicodeError):
        clean_address(typed)
    assert address_key(typed) == typed.lower()
