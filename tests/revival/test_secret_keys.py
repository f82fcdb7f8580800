"""Keys that somebody could guess are told from random ones."""

import secrets
import string

import pytest
from django.core.management.utils import get_random_secret_key

from revival.base import secret_keys

WEAK = [
    *("", "short", "s" * 50, "ab" * 30, " " * 60),
    *("0123456789" * 6, "correct-horse-battery-" * 3, secrets.token_urlsafe(20) * 3),
    *(string.ascii_letters, string.printable[:60], "trial-copy-only-" + "1" * 48, secrets.token_urlsafe(30)),
    "trial-copy-only-" + secrets.token_urlsafe(50),
    "django-insecure-" + secrets.token_urlsafe(50),
    secrets.token_urlsafe(30) + " " * 30,
    "The quick brown fox jumps over the lazy dog, twice a day!",
    "please-change-me-before-you-put-this-into-Production-1234567",
    "your_secret_key_goes_here_AND_it_is_longer_than_50_letters!",
    "qwertyuiop" + "asdfghjkl" + "zxcvbnm" + "1234567890" + "qwertyuiop" + "asdfghjkl",
]


@pytest.mark.parametrize("key", WEAK, ids=range(len(WEAK)))  # random keys would give the tests random names
def test_a_key_that_can_be_guessed_is_weak(key):
    assert secret_keys.weakness(key)


@pytest.mark.parametrize(
    "make", [lambda: secrets.token_urlsafe(50), lambda: secrets.token_hex(25), get_random_secret_key]
)
def test_a_random_key_is_good(make):
    assert {secret_keys.weakness(make()) for _ in range(200)} == {""}


def test_what_is_weak_is_told_by_name_and_never_quoted():
    good, weak = secrets.token_urlsafe(50), "only-we-know-this"

    sentence = secret_keys.what_is_weak({"SECRET_KEY": good, "LINK_KEY": weak})

    assert sentence.startswith("LINK_KEY has 17 characters")
    assert weak not in sentence


def test_no_two_keys_are_the_same():
    key = secrets.token_urlsafe(50)

    assert "B is the same as A" in secret_keys.what_is_weak({"A": key, "B": f" {key}"})
    assert secret_keys.what_is_weak({"A": key, "B": secrets.token_urlsafe(50)}) == ""
