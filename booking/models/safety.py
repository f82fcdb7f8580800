"""Safety texts: Caution (who should not have a treatment, who should ask first) and UrgentHelp (when to call 911)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


SEARCH_WORDS_HELP = "One word or phrase per line. Whoever searches for one sees this first."


SAYS = """
EXISTS (
    SELECT FROM unnest(string_to_array(translate(search_words, '‘’', ''''''), chr(10))) AS word
    WHERE word ~ '[[:alnum:]]' AND CASE
        WHEN cardinality(tsvector_to_array(to_tsvector('english', word)))
           = cardinality(regexp_split_to_array(btrim(word), '[^[:alnum:]]+'))
        THEN to_tsvector('english', %s) @@ plainto_tsquery('english', word)
        ELSE to_tsvector('simple', %s) @@ phraseto_tsquery('simple', word)
    END
)
"""
"""Matches words in any form; a phrase with stop words in it, such as "should not", word for word."""

CURLY = str.maketrans("‘’", "''")  # phones type can’t, and in some locales the mark counts as a letter


def _says(typed: str) -> RawSQL:
    """Whether one of a row's search words is in the typed text, in any form of the word."""
    plain = typed.translate(CURLY)
    return RawSQL(SAYS, [plain, plain], models.BooleanField())  # noqa: S611 - the typed text is a parameter


class CautionQuerySet(models.QuerySet["Caution"]):
    def called_by(self, typed: str) -> CautionQuerySet:
        """Those whose search words are in this search: they come first in its results."""
        return self.filter(_says(typed))


class Caution(models.Model):
    """The safety list of one treatment. A Service and an Article name the same ones."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=120)
    avoid = models.TextField("should not have it", help_text="One per line.")
    never_over = models.TextField(blank=True, help_text="Where it never goes: one or two sentences.")
    ask_first = models.TextField("should ask first", help_text="One per line.")
    search_words = models.TextField(blank=True, help_text=SEARCH_WORDS_HELP)
    afterwards = models.TextField(blank=True, help_text="When to call afterwards: one or two sentences.")
    approved_on = models.DateField(
        "clinically approved on", null=True, blank=True, help_text="Empty: awaiting clinical approval."
    )

    objects = CautionQuerySet.as_manager()

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def avoid_items(self) -> list[str]:
        return _lines(self.avoid)

    @property
    def ask_first_items(self) -> list[str]:
        return _lines(self.ask_first)


class UrgentHelpQuerySet(models.QuerySet["UrgentHelp"]):
    def called_by(self, typed: str) -> UrgentHelpQuerySet:
        """The block, when one of its search words is in this search: it comes first in the results."""
        return self.filter(_says(typed))

    def current(self) -> UrgentHelp | None:
        return self.first()


class UrgentHelp(models.Model):
    """The site-wide block: when to call 911, when to call a doctor today. Never folded, no link inside."""

    title = models.CharField(max_length=120)
    call_911 = models.TextField("call 911", help_text="One per line.")
    call_doctor = models.TextField("call a doctor today", help_text="One per line.")
    otherwise = models.TextField(blank=True)
    search_words = models.TextField(blank=True, help_text=SEARCH_WORDS_HELP)
    approved_on = models.DateField(
        "clinically approved on", null=True, blank=True, help_text="Empty: awaiting clinical approval."
    )

    objects = UrgentHelpQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "urgent help"
        constraints = [
            models.CheckConstraint(
                name="booking_urgent_help_is_the_only_one",
                condition=Q(pk=1),
                violation_error_message="There is one urgent-help block; change it instead of adding another.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def call_911_items(self) -> list[str]:
        return _lines(self.call_911)

    @property
    def call_doctor_items(self) -> list[str]:
        return _lines(self.call_doctor)
