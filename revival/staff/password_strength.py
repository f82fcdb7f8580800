"""Refusal of common and easily guessed passwords, by zxcvbn (Wheeler 2016): lists of leaked passwords, names and words,
with the digits, capitals and swapped letters that people add to them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from booking.models import Clinic

LEAST_SCORE = 4  # of 0 to 4: more than 10^10 guesses
LONGEST_LOOKED_AT = 72  # characters, as many as zxcvbn takes; what follows only makes a password harder to guess


class NotEasilyGuessedValidator:
    """Password validator of Django's kind; words about the account and the clinic count as known to a guesser."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError, with what makes the password easy to guess."""
        from zxcvbn import zxcvbn  # 90,000 words, which only choosing a password needs

        result = zxcvbn(password[:LONGEST_LOOKED_AT], user_inputs=_known_words(user))
        if result["score"] < LEAST_SCORE:
            why = result["feedback"]["warning"] or "It is made of words or patterns that guessers try early."
            raise ValidationError(
                f"This password is easy to guess. {why} Three or four unrelated words are easy to remember.",
                code="easy_to_guess",
            )

    def get_help_text(self) -> str:
        return "Not a common password, and not one made of a name or a pattern. Three or four unrelated words are good."


def _known_words(user: User | None) -> list[str]:
    clinic = Clinic.objects.current_if_any()  # none before `load_clinic`, when the first owner is made
    about = [clinic.name] if clinic else []
    if user is not None:
        about += [user.get_username(), user.first_name, user.last_name, user.email]
    return [word for text in about for word in (text, *text.replace("@", " ").replace(".", " ").split()) if word]
