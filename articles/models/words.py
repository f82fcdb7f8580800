"""Words of the texts that readers see: mistyped words of a search become the most similar of them."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models


class Word(models.Model):
    """A word of published texts, for as long as they are public.

    A trigger writes the rows, once at the end of each transaction that changed content (migration 0017).
    """

    word = models.CharField(max_length=100)
    stem = models.TextField(help_text="What a search for it looks for, as PostgreSQL writes it.")
    texts = models.PositiveIntegerField(help_text="In how many texts it stands.")
    public_from = models.DateTimeField(null=True, help_text="Empty: it is public.")
    public_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            GinIndex(OpClass("word", name="gin_trgm_ops"), name="articles_word_similar", fastupdate=False),
            models.Index(fields=["stem"], name="articles_word_stem"),
        ]

    def __str__(self) -> str:
        return self.word
