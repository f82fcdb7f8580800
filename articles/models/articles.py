"""The published content: Article with its Sections, Questions and References, and what keeps track of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from articles.rich_text import clean
from booking.models import FAR_FUTURE, Caution, Therapist
from revival.base.change_log import create_change_model

from .images import Image

check_anchor = RegexValidator(
    r"^[a-z][a-z0-9-]*$", "Use lower-case letters, digits and hyphens, starting with a letter."
)


class Evidence(models.TextChoices):
    """How far research has got, always said in words."""

    LOW = "low", "Studied, low certainty"
    VERY_LOW = "very-low", "Studied, very low certainty"
    IDEA = "idea", "Idea, not shown"
    ADVICE = "advice", "Clinic advice"
    HISTORY = "history", "History"


STUDIED = (Evidence.LOW, Evidence.VERY_LOW)
"""Labels that promise at least one reference."""

MEANING = {
    Evidence.LOW: "Trials exist. Better ones could change the answer.",
    Evidence.VERY_LOW: "A few small or weak trials.",
    Evidence.IDEA: "People say so. No one has shown it.",
    Evidence.ADVICE: "What we tell patients here. Not tested.",
    Evidence.HISTORY: "What people did and believed.",
}


class Stage(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in-review", "In review"
    PUBLISHED = "published", "Published"


class Topic(models.Model):
    """What an article is about; articles that share one lead to each other."""

    name = models.CharField(max_length=60, unique=True)
    slug = models.SlugField(unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


PREVIEW_SALT, PREVIEW_DAYS = "article-preview", 7


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self, now: datetime | None = None) -> ArticleQuerySet:
        now = now or timezone.now()
        return self.filter(stage=Stage.PUBLISHED, published_at__lte=now).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        )

    def previewed(self, token: str) -> ArticleQuerySet:
        """The article a preview link opens; none when the link is old, wrong, or of an earlier text."""
        try:
            pk, updated_at = signing.loads(token, salt=PREVIEW_SALT, max_age=timedelta(days=PREVIEW_DAYS))
        except (signing.BadSignature, ValueError):
            return self.none()
        return self.filter(pk=pk, updated_at=updated_at)

    def related_to(self, article: Article) -> ArticleQuerySet:
        """Others that share a topic with it, most shared first."""
        sharing = self.filter(topics__in=article.topics.all()).exclude(pk=article.pk)
        return sharing.annotate(shared=models.Count("topics")).order_by("-shared", "-published_at")


class Article(models.Model):
    title = models.CharField(max_length=120)
    subtitle = models.CharField(max_length=160, blank=True, help_text="Shown smaller, after a colon.")
    slug = models.SlugField(unique=True, help_text="Part of the page’s address. Links outside depend on it.")
    description = models.CharField(max_length=160, help_text="One sentence for search engines and shared links.")
    lead = models.TextField(help_text="The opening paragraph.")
    in_short = models.TextField(help_text="The bottom line in under 120 words.")
    safety_note = models.TextField(
        blank=True, help_text="A sentence under the safety cards, such as where the list comes from."
    )
    image = models.ForeignKey(
        Image,
        on_delete=models.PROTECT,
        related_name="articles",
        null=True,
        blank=True,
        help_text="Shown at the top, and where the page is shared. Empty: our drawing of cups.",
    )
    author = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="articles")
    book_with = models.ForeignKey(
        Therapist,
        on_delete=models.PROTECT,
        related_name="invited_by",
        null=True,
        blank=True,
        help_text="Whom the article invites readers to book.",
    )
    topics = models.ManyToManyField(Topic, related_name="articles", blank=True)
    cautions = models.ManyToManyField(
        Caution, related_name="articles", blank=True, help_text="Shown before the first invitation to book."
    )
    reviewer = models.ForeignKey(
        Therapist, on_delete=models.PROTECT, related_name="reviewed_articles", null=True, blank=True
    )
    reviewed_on = models.DateField(null=True, blank=True, help_text="Only with a reviewer; the page shows both.")
    next_review_on = models.DateField(null=True, blank=True)
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="Who sees to it that the page stays right. Gets an e-mail before each review.",
    )
    kept_by_backup = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="backup",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="Gets it when the person above has no e-mail address or no longer works here.",
    )
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.DRAFT)
    published_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: stays.")
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
                violation_error_message="A published article says since when.",
            ),
            models.CheckConstraint(
                name="articles_article_expires_after_it_appears",
                condition=Q(expires_at__isnull=True)
                | Q(published_at__isnull=True)
                | Q(expires_at__gt=F("published_at")),
                violation_error_message="It would disappear before it appears.",
            ),
            models.CheckConstraint(  # later moments cannot be read back: UTC may fall into the year 10000
                name="articles_article_moments_lie_within_reach",
                condition=(Q(published_at__isnull=True) | Q(published_at__lt=FAR_FUTURE))
                & (Q(expires_at__isnull=True) | Q(expires_at__lt=FAR_FUTURE)),
                violation_error_message="Choose a date before the year 3000, or leave it empty.",
            ),
            models.CheckConstraint(
                name="articles_article_review_names_the_reviewer",
                condition=Q(reviewer__isnull=True, reviewed_on__isnull=True)
                | Q(reviewer__isnull=False, reviewed_on__isnull=False),
                violation_error_message="A review has a reviewer and a day.",
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
        """Opens the page before it is public, for a while and as long as nothing is changed."""
        return signing.dumps([self.pk, self.updated_at.isoformat()], salt=PREVIEW_SALT)

    @property
    def full_title(self) -> str:
        return f"{self.title}: {self.subtitle}" if self.subtitle else self.title

    def is_due_for_review(self, today: date) -> bool:
        return self.next_review_on is not None and self.next_review_on <= today


class SectionKind(models.TextChoices):
    TEXT = "text", "Text"
    SAFETY = "safety", "Safety cards"
    QUESTIONS = "questions", "Questions"


class Section(models.Model):
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="sections")
    order = models.PositiveSmallIntegerField(default=0)
    level = models.PositiveSmallIntegerField(choices=[(2, "Section"), (3, "Part of the section above")], default=2)
    kind = models.CharField(
        max_length=9,
        choices=SectionKind,
        default=SectionKind.TEXT,
        help_text="Where the safety cards and questions go.",
    )
    heading = models.CharField(max_length=120)
    anchor = models.CharField(
        max_length=60,
        validators=[check_anchor],
        help_text="Part of the address, after #. Links depend on it.",
    )
    label = models.CharField("evidence", max_length=8, choices=Evidence, blank=True)
    body = models.TextField(
        blank=True,
        help_text="Cite a reference by its key, like [@wang-x-2020]. {phone}, {email}, {address} and {clinic} stand for"
        " the clinic’s own.",
    )
    image = models.ForeignKey(
        Image,
        on_delete=models.PROTECT,
        related_name="sections",
        null=True,
        blank=True,
        help_text="Shown below the text, with its caption.",
    )

    class Meta:
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "anchor"],
                name="articles_section_anchor_is_its_own",
                violation_error_message="Another section of this article has that anchor.",
            ),
            models.CheckConstraint(
                name="articles_section_level_is_two_or_three",
                condition=Q(level__in=(2, 3)),
                violation_error_message="A section is of level 2 or 3.",
            ),
            models.CheckConstraint(
                name="articles_section_label_is_known",
                condition=Q(label__in=["", *Evidence.values]),
                violation_error_message="Choose one of the five labels, or none.",
            ),
            models.CheckConstraint(
                name="articles_section_kind_is_known",
                condition=Q(kind__in=SectionKind.values),
                violation_error_message="Choose one of the kinds.",
            ),
        ]

    def __str__(self) -> str:
        return self.heading

    def save(self, *args: object, **kwargs: object) -> None:
        self.body = clean(self.body)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class QuestionQuerySet(models.QuerySet["Question"]):
    def public(self, now: datetime | None = None) -> QuestionQuerySet:
        """Those about the clinic, and those of an article that is published."""
        return self.filter(Q(article__isnull=True) | Q(article__in=Article.objects.published(now)))


class Question(models.Model):
    """A FAQ entry: of an article, or of the clinic in general."""

    article = models.ForeignKey(
        Article,
        on_delete=models.CASCADE,
        related_name="questions",
        null=True,
        blank=True,
        help_text="Empty: about the clinic in general.",
    )
    topic = models.CharField(max_length=60, help_text="Entries with the same topic stand together.")
    order = models.PositiveSmallIntegerField(default=0)
    anchor = models.CharField(max_length=60, unique=True, validators=[check_anchor])
    question = models.CharField(max_length=160)
    answer = models.TextField()
    label = models.CharField("evidence", max_length=8, choices=Evidence, blank=True)
    needs_approval = models.BooleanField(default=False, help_text="Awaiting the clinic’s approval; listed at the desk.")

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["topic", "order", "pk"]
        constraints = [
            models.CheckConstraint(
                name="articles_question_label_is_known",
                condition=Q(label__in=["", *Evidence.values]),
                violation_error_message="Choose one of the five labels, or none.",
            ),
        ]

    def __str__(self) -> str:
        return self.question

    def get_absolute_url(self) -> str:
        return reverse("articles:faq") + f"#{self.anchor}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.answer = clean(self.answer)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class Reference(models.Model):
    """A source. Every field but key and finding is bibliographic; what was not confirmed stays empty."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="references")
    key = models.CharField(max_length=60, validators=[check_anchor], help_text="What the text cites, like wang-x-2020.")
    authors = models.CharField(max_length=300, blank=True)
    year = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=400, blank=True)
    journal = models.CharField(max_length=160, blank=True)
    volume = models.CharField(max_length=20, blank=True)
    pages = models.CharField(max_length=40, blank=True)
    doi = models.CharField("DOI", max_length=120, blank=True)
    pmid = models.CharField("PubMed number", max_length=12, blank=True)
    pmcid = models.CharField("PubMed Central number", max_length=14, blank=True)
    bookshelf_id = models.CharField("NCBI Bookshelf number", max_length=14, blank=True)
    isbn = models.CharField("ISBN", max_length=20, blank=True)
    finding = models.CharField(max_length=300, help_text="What it found, in our own words.")

    class Meta:
        ordering = ["year", "key"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "key"],
                name="articles_reference_key_is_its_own",
                violation_error_message="Another reference of this article has that key.",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def links(self) -> list[tuple[str, str]]:
        """Addresses and their texts, the most lasting first."""
        known = [
            (self.doi, "https://doi.org/{}", "doi:{}"),
            (self.pmid, "https://pubmed.ncbi.nlm.nih.gov/{}/", "PubMed {}"),
            (self.pmcid, "https://pmc.ncbi.nlm.nih.gov/articles/{}/", "{}"),
            (self.bookshelf_id, "https://www.ncbi.nlm.nih.gov/books/{}/", "{}"),
        ]
        return [(address.format(value), words.format(value)) for value, address, words in known if value]


class OldSlug(models.Model):
    """An address an article once had; written by a trigger whenever one changes (migration 0008)."""

    slug = models.SlugField(unique=True)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="old_slugs")

    def __str__(self) -> str:
        return self.slug


class Revision(models.Model):
    """The whole article with its parts, as it was at one save (articles/revisions.py)."""

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
    """One answer to "Was this clear?": no name, no address, no free text."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="feedback")
    is_clear = models.BooleanField()
    hard_part = models.ForeignKey(Section, on_delete=models.SET_NULL, null=True, blank=True, related_name="feedback")
    given_on = models.DateField()

    class Meta:
        verbose_name_plural = "feedback"

    def __str__(self) -> str:
        return "Clear" if self.is_clear else "Not clear"


class LoadedContent(models.Model):
    """What `load_clinic` has put in once, so that it never does so again, whatever staff did to it since."""

    key = models.CharField(max_length=120, unique=True)
    loaded_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key


class SiteRevision(models.Model):
    """One row whose number rises, by triggers, with every change of what readers can see."""

    number = models.BigIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(name="articles_site_revision_is_the_only_one", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.number)


# Whether and where articles are public; texts have revisions of their own.
ArticleChange = create_change_model(
    Article, "slug", "stage", "published_at", "expires_at", "reviewer", "reviewed_on", app="articles"
)
