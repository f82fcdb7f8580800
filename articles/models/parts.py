"""The parts of an article's page: sections, questions and references, with their evidence labels."""

from __future__ import annotations

from datetime import datetime

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from articles.rich_text import clean

from .article import Article
from .images import Image

check_anchor = RegexValidator(
    r"^[a-z][a-z0-9-]*$", "Use lower-case letters, digits and hyphens, starting with a letter."
)


class Evidence(models.TextChoices):
    """Evidence labels: how well a claim has been studied."""

    LOW = "low", "Studied, low certainty"
    VERY_LOW = "very-low", "Studied, very low certainty"
    IDEA = "idea", "Idea, not shown"
    ADVICE = "advice", "Clinic advice"
    HISTORY = "history", "History"


STUDIED = (Evidence.LOW, Evidence.VERY_LOW)
"""Labels that need at least one cited reference."""

EVIDENCE_MEANING = {
    Evidence.LOW: "Trials exist. Better ones could change the answer.",
    Evidence.VERY_LOW: "A few small or weak trials.",
    Evidence.IDEA: "People say so. No one has shown it.",
    Evidence.ADVICE: "What we tell patients here. Not tested.",
    Evidence.HISTORY: "What people did and believed.",
}


class SectionKind(models.TextChoices):
    TEXT = "text", "Text"
    SAFETY = "safety", "Safety cards"
    QUESTIONS = "questions", "Questions"


class Section(models.Model):
    """Heading and text of an article, at level 2 or 3 of its page's headings."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="sections")
    order = models.PositiveSmallIntegerField(default=0)
    level = models.PositiveSmallIntegerField(choices=[(2, "Section"), (3, "Part of the section above")], default=2)
    kind = models.CharField(
        max_length=9,
        choices=SectionKind,
        default=SectionKind.TEXT,
        help_text="What the section shows: its text, the safety cards or the questions.",
    )
    heading = models.CharField(max_length=120)
    anchor = models.CharField(
        max_length=60,
        validators=[check_anchor],
        help_text="Part of the section’s address, after #. Other pages may link to it.",
    )
    label = models.CharField("evidence", max_length=8, choices=Evidence, blank=True)
    body = models.TextField(
        blank=True,
        help_text="Cite a reference by its key, like [@wang-x-2020]. {phone}, {email}, {address} and {clinic} are "
        "filled in with the clinic’s details.",
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
        """Questions about the clinic in general, and those of articles published at `now` (default: the present)."""
        return self.filter(Q(article__isnull=True) | Q(article__in=Article.objects.published(now)))


class Question(models.Model):
    """FAQ entry with its answer, about an article or about the clinic in general."""

    article = models.ForeignKey(
        Article,
        on_delete=models.CASCADE,
        related_name="questions",
        null=True,
        blank=True,
        help_text="Leave empty if the question is about the clinic in general.",
    )
    topic = models.CharField(max_length=60, help_text="Questions with the same topic are listed together.")
    order = models.PositiveSmallIntegerField(default=0)
    anchor = models.CharField(max_length=60, unique=True, validators=[check_anchor])
    question = models.CharField(max_length=160)
    answer = models.TextField()
    label = models.CharField("evidence", max_length=8, choices=Evidence, blank=True)
    needs_approval = models.BooleanField(
        default=False, help_text="Waits for the clinic’s approval; listed on the desk’s first page."
    )

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
    """Source that an article cites. Bibliographic fields that nobody has confirmed stay empty."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="references")
    key = models.CharField(
        max_length=60, validators=[check_anchor], help_text="How the text cites it, like wang-x-2020."
    )
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
    def volume_and_pages(self) -> str:
        """Such as 12:345-350; each of the two may be missing."""
        return ":".join(filter(None, (self.volume, self.pages)))

    @property
    def links(self) -> list[tuple[str, str]]:
        """URL and link text of each identifier that is set, the most permanent first."""
        identifiers = [
            (self.doi, "https://doi.org/{}", "doi:{}"),
            (self.pmid, "https://pubmed.ncbi.nlm.nih.gov/{}/", "PubMed {}"),
            (self.pmcid, "https://pmc.ncbi.nlm.nih.gov/articles/{}/", "{}"),
            (self.bookshelf_id, "https://www.ncbi.nlm.nih.gov/books/{}/", "{}"),
        ]
        return [(url.format(value), text.format(value)) for value, url, text in identifiers if value]
