"""Image: a picture with its words. Rendition: the picture in one size and format, ready to send."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.lookups import Exact, GreaterThan, LessThanOrEqual
from django.urls import reverse
from django.utils import timezone

from booking.models import Therapist

MOST_BYTES = 300_000
"""Of one rendition: what a reader on a slow line waits for, and what a row of the database holds."""


def _octets(column: str) -> Func:
    return Func(F(column), function="octet_length", output_field=models.IntegerField())


def _hex_of_sha256(column: str) -> Func:
    digest = Func(F(column), function="sha256", output_field=models.BinaryField())
    return Func(digest, Value("hex"), function="encode", output_field=models.CharField())


class Format(models.TextChoices):
    """How a rendition is encoded; also the end of its address and the second half of its media type."""

    AVIF = "avif", "AVIF"
    WEBP = "webp", "WebP"


class Image(models.Model):
    """One picture for articles. Its file is never kept: only the renditions made from it."""

    title = models.CharField(max_length=120, help_text="What colleagues find it by. Readers never see it.")
    alternative_text = models.CharField(
        max_length=250,
        blank=True,
        help_text="What the picture says, for people who cannot see it. One sentence, without “picture of”.",
    )
    is_decorative = models.BooleanField(
        "decorative", default=False, help_text="It says nothing that the text does not: screen readers pass it by."
    )
    caption = models.CharField(max_length=250, blank=True, help_text="Shown below the picture.")
    credit = models.CharField(max_length=160, blank=True, help_text="Who made it, such as “Photo: Ada Example”.")
    portrait_of = models.OneToOneField(
        "booking.Therapist",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="portrait",
        help_text="Shown beside this therapist’s name, cut to a circle: a face in the middle suits best.",
    )
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["title", "pk"]
        constraints = [
            models.CheckConstraint(
                name="articles_image_decorative_has_no_words",
                condition=Q(is_decorative=False) | Q(alternative_text=""),
                violation_error_message="A decorative picture has no alternative text: empty it, or take the tick off.",
            ),
            models.CheckConstraint(
                name="articles_image_has_a_size",
                condition=Q(width__gt=0, height__gt=0),
                violation_error_message="A picture has a width and a height.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def has_its_words(self) -> bool:
        """Whether it may stand on a page: described, or said to need no description."""
        return self.is_decorative or bool(self.alternative_text.strip())

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Media type and `srcset` of each format, the smallest files first (browsers take the first they know)."""
        ready = list(self.renditions.all())
        return [
            (
                f"image/{form}",
                ", ".join(f"{one.get_absolute_url()} {one.width}w" for one in ready if one.format == form),
            )
            for form in (Format.AVIF, Format.WEBP)
            if any(one.format == form for one in ready)
        ]

    @property
    def largest(self) -> Rendition | None:
        """The widest in the format that everyone reads, also programs that show shared links."""
        return max(self._in_webp(), key=lambda one: one.width, default=None)

    @property
    def smallest(self) -> Rendition | None:
        return min(self._in_webp(), key=lambda one: one.width, default=None)

    def _in_webp(self) -> list[Rendition]:
        return [one for one in self.renditions.all() if one.format == Format.WEBP]


def with_portraits(therapists: models.QuerySet[Therapist]) -> models.QuerySet[Therapist]:
    """Adds each therapist's photo, where there is one, so that a page asks no more however many there are."""
    return therapists.select_related("portrait").prefetch_related("portrait__renditions")


class RenditionQuerySet(models.QuerySet["Rendition"]):
    def with_bytes(self) -> RenditionQuerySet:
        """Adds `bytes`, how large each is, without reading it."""
        return self.annotate(bytes=_octets("content"))


class RenditionManager(models.Manager.from_queryset(RenditionQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> Any:
        """Leaves the bytes in the database: pages only name them."""
        return super().get_queryset().defer("content")


class Rendition(models.Model):
    """One size in one format, named by its SHA-256: what its address shows never changes."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="renditions")
    sha256 = models.CharField(max_length=64, unique=True)
    format = models.CharField(max_length=4, choices=Format)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    content = models.BinaryField()

    objects = RenditionManager()

    class Meta:
        ordering = ["format", "width"]
        constraints = [
            models.UniqueConstraint(
                fields=["image", "format", "width"],
                name="articles_rendition_is_the_only_one_of_its_width",
                violation_error_message="There is one of this width already.",
            ),
            models.CheckConstraint(
                name="articles_rendition_format_is_known",
                condition=Q(format__in=Format.values),
                violation_error_message="Choose one of the formats.",
            ),
            models.CheckConstraint(
                name="articles_rendition_holds_300_kb_at_most",
                condition=LessThanOrEqual(_octets("content"), MOST_BYTES) & GreaterThan(_octets("content"), 0),
                violation_error_message="A rendition holds at most 300 kB.",
            ),
            models.CheckConstraint(  # so that an address never shows anything but what it names
                name="articles_rendition_is_named_by_its_content",
                condition=Exact(F("sha256"), _hex_of_sha256("content")),
                violation_error_message="A rendition is named by the SHA-256 of its content.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.width} px, {self.get_format_display()}"

    def get_absolute_url(self) -> str:
        return reverse("articles:image", args=[self.sha256, self.format])
