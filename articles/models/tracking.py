"""Records about articles: old addresses, revisions, feedback, loaded content, the site revision, the change log."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from revival.base.change_log import create_change_model

from .article import Article
from .parts import Section


class OldSlug(models.Model):
    """Former slug of an article, for redirects; a trigger writes it when the slug changes (migration 0008)."""

    slug = models.SlugField(unique=True)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="old_slugs")

    def __str__(self) -> str:
        return self.slug


class Revision(models.Model):
    """Snapshot of an article with all its parts, taken at a save (articles/revisions.py)."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    note = models.CharField("what changed", max_length=200, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="articles_revision_number_is_its_own"),
        ]

    def __str__(self) -> str:
        return f"Revision {self.number}"


class Feedback(models.Model):
    """Anonymous answer to "Was this clear?": no name, no address, no free text."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="feedback")
    is_clear = models.BooleanField()
    hard_part = models.ForeignKey(Section, on_delete=models.SET_NULL, null=True, blank=True, related_name="feedback")
    given_on = models.DateField()

    class Meta:
        verbose_name_plural = "feedback"

    def __str__(self) -> str:
        return "Clear" if self.is_clear else "Not clear"


class LoadedContent(models.Model):
    """Key of an item that `load_clinic` has loaded, so that it is not loaded again over what staff changed."""

    key = models.CharField(max_length=120, unique=True)
    loaded_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key


class SiteRevision(models.Model):
    """Single row with a number that triggers raise at each change of what readers can see."""

    number = models.BigIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(name="articles_site_revision_is_the_only_one", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.number)


# Changes of whether and where an article is public. Changes of its text are in Revision.
ArticleChange = create_change_model(
    Article, "slug", "stage", "published_at", "expires_at", "reviewer", "reviewed_on", app="articles"
)
