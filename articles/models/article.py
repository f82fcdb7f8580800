"""Article: its page's texts, people, review and publication; and which articles readers can see."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from articles.rich_text import MAX_LENGTH
from booking.models import FAR_FUTURE, Caution, Therapist

from .images import Image


class Stage(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in-review", "In review"
    PUBLISHED = "published", "Published"


class Topic(models.Model):
    """Subject of articles; an article links to others on the same topic."""

    name = models.CharField(max_length=60, unique=True)
    slug = models.SlugField(unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


PREVIEW_SALT = "article-preview"
PREVIEW_DAYS = 7
"""How long a preview link works."""


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self, now: datetime | None = None) -> ArticleQuerySet:
        """Articles that readers can see at `now` (default: the present)."""
        now = now or timezone.now()
        return self.filter(stage=Stage.PUBLISHED, published_at__lte=now).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        )

    def previewed(self, token: str) -> ArticleQuerySet:
        """The article of a preview link; empty if the link is expired, forged or from before the last save."""
        try:
            pk, updated_at = signing.loads(token, salt=PREVIEW_SALT, max_age=timedelta(days=PREVIEW_DAYS))
        except (signing.BadSignature, ValueError):
            return self.none()
        return self.filter(pk=pk, updated_at=updated_at)

    def related_to(self, article: Article) -> ArticleQuerySet:
        """Other articles with a topic in common, those with the most in common first."""
        related = self.filter(topics__in=article.topics.all()).exclude(pk=article.pk)
        return related.annotate(shared=models.Count("topics")).order_by("-shared", "-published_at")


class Article(models.Model):
    title = models.CharField(max_length=120)
    subtitle = models.CharField(max_length=160, blank=True, help_text="Shown smaller, after a colon.")
    slug = models.SlugField(unique=True, help_text="Part of the page’s address. Other sites may link to it.")
    description = models.CharField(max_length=160, help_text="One sentence for search engines and shared links.")
    lead = models.TextField(max_length=MAX_LENGTH, help_text="The opening paragraph.")
    in_short = models.TextField(max_length=MAX_LENGTH, help_text="The bottom line in under 120 words.")
    safety_note = models.TextField(
        blank=True, help_text="A sentence under the safety cards, such as where the list comes from."
    )
    image = models.ForeignKey(
        Image,
        on_delete=models.PROTECT,
        related_name="articles",
        null=True,
        blank=True,
        help_text="Shown at the top, and where the page is shared. Without an image, our drawing of cups is shown.",
    )
    author = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="articles")
    book_with = models.ForeignKey(
        Therapist,
        on_delete=models.PROTECT,
        related_name="invited_by",
        null=True,
        blank=True,
        help_text="The therapist whom the article invites readers to book.",
    )
    topics = models.ManyToManyField(Topic, related_name="articles", blank=True)
    cautions = models.ManyToManyField(
        Caution, related_name="articles", blank=True, help_text="Shown before the first invitation to book."
    )
    reviewer = models.ForeignKey(
        Therapist, on_delete=models.PROTECT, related_name="reviewed_articles", null=True, blank=True
    )
    reviewed_on = models.DateField(null=True, blank=True, help_text="Needs a reviewer; the page shows both.")
    next_review_on = models.DateField(null=True, blank=True)
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="Responsible for keeping this page correct. Gets an e-mail before each review.",
    )
    kept_by_backup = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="backup",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="Gets the e-mail if the person above has no address or no longer works here.",
    )
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.DRAFT)
    published_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Leave empty to keep the page on the site.")
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ["-published_at", "title"]
        permissions = [
            ("review_article", "Can say that an article was reviewed"),
            ("publish_article", "Can publish an article and take it back"),
        ]
        constraints = [
            models.CheckConstraint(
                name="articles_article_stage_is_known",
                condition=Q(stage__in=Stage.values),
                violation_error_message="Choose one of the stages.",
            ),
            models.CheckConstraint(
                name="articles_article_published_says_when",
                condition=~Q(stage=Stage.PUBLISHED) | Q(published_at__isnull=False),
                violation_error_message="A published article needs the moment of its publication.",
            ),
            models.CheckConstraint(
                name="articles_article_expires_after_it_appears",
                condition=Q(expires_at__isnull=True)
                | Q(published_at__isnull=True)
                | Q(expires_at__gt=F("published_at")),
                violation_error_message="The article would expire before it is published.",
            ),
            models.CheckConstraint(  # Python cannot read later ones back: in UTC they may fall into the year 10000
                name="articles_article_moments_lie_within_reach",
                condition=(Q(published_at__isnull=True) | Q(published_at__lt=FAR_FUTURE))
                & (Q(expires_at__isnull=True) | Q(expires_at__lt=FAR_FUTURE)),
                violation_error_message="Choose a date before the year 3000, or leave it empty.",
            ),
            models.CheckConstraint(
                name="articles_article_review_names_the_reviewer",
                condition=Q(reviewer__isnull=True, reviewed_on__isnull=True)
                | Q(reviewer__isnull=False, reviewed_on__isnull=False),
                violation_error_message="A review needs both a reviewer and a day.",
            ),
            models.CheckConstraint(
                name="articles_article_backup_is_someone_else",
                condition=Q(kept_by__isnull=True) | Q(kept_by_backup__isnull=True) | ~Q(kept_by=F("kept_by_backup")),
                violation_error_message="Choose someone else as the backup, or nobody.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("articles:detail", args=[self.slug])

    @property
    def preview_token(self) -> str:
        """Signed token of the preview link; valid for PREVIEW_DAYS and until the article is saved again."""
        return signing.dumps([self.pk, self.updated_at.isoformat()], salt=PREVIEW_SALT)

    @property
    def full_title(self) -> str:
        return f"{self.title}: {self.subtitle}" if self.subtitle else self.title

    def is_due_for_review(self, today: date) -> bool:
        return self.next_review_on is not None and self.next_review_on <= today
