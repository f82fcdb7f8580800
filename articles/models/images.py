"""Images with their descriptions, and their renditions: one file for each size and format.

A therapist's photo is an image, too, so that it gets the same care as every upload; `portrait_of` says whose it is.
The alternative weighed on 2026-11-27 was a file field in `booking`, a second way for uploads. `booking` knows nothing
of images, so the first step of booking shows a drawing instead of a photo.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.lookups import Exact, GreaterThan, LessThanOrEqual
from django.urls import reverse
from django.utils import timezone

from booking.models import Therapist

MAX_RENDITION_BYTES = 300_000
"""Keeps pages fast on slow connections, and the database's rows small."""


def _octets(column: str) -> Func:
    return Func(F(column), function="octet_length", output_field=models.IntegerField())


def _hex_of_sha256(column: str) -> Func:
    digest = Func(F(column), function="sha256", output_field=models.BinaryField())
    return Func(digest, Value("hex"), function="encode", output_field=models.CharField())


class Format(models.TextChoices):
    """Encoding of a rendition; also its file extension and the subtype of its media type."""

    AVIF = "avif", "AVIF"
    WEBP = "webp", "WebP"


class Image(models.Model):
    """Picture for articles or portrait of a therapist. The uploaded file is not stored, only its renditions."""

    title = models.CharField(max_length=120, help_text="For colleagues to find it. Readers never see it.")
    alternative_text = models.CharField(
        max_length=250,
        blank=True,
        help_text="Describes the picture for people who cannot see it. One sentence, without “picture of”.",
    )
    is_decorative = models.BooleanField(
        "decorative", default=False, help_text="The picture adds nothing to the text. Screen readers skip it."
    )
    caption = models.CharField(max_length=250, blank=True, help_text="Shown below the picture.")
    credit = models.CharField(max_length=160, blank=True, help_text="Who made it, such as “Photo: Ada Example”.")
    portrait_of = models.OneToOneField(
        "booking.Therapist",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="portrait",
        help_text="Shown beside this therapist’s name, cropped to a circle. A face in the middle works best.",
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
                violation_error_message="A decorative picture has no alternative text: "
                "remove it, or untick “decorative”.",
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
    def has_text_alternative(self) -> bool:
        """Whether it is described or marked as decorative (WCAG 1.1.1)."""
        return self.is_decorative or bool(self.alternative_text.strip())

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Media type and `srcset` of each format, AVIF first: browsers take the first format they support."""
        by_format = {form: self._renditions_in(form) for form in (Format.AVIF, Format.WEBP)}
        return [
            (f"image/{form}", ", ".join(f"{row.get_absolute_url()} {row.width}w" for row in renditions))
            for form, renditions in by_format.items()
            if renditions
        ]

    @property
    def largest(self) -> Rendition | None:
        """The widest WebP: programs that show shared links may not support AVIF."""
        return max(self._renditions_in(Format.WEBP), key=lambda rendition: rendition.width, default=None)

    @property
    def smallest(self) -> Rendition | None:
        return min(self._renditions_in(Format.WEBP), key=lambda rendition: rendition.width, default=None)

    def _renditions_in(self, form: Format) -> list[Rendition]:
        return [rendition for rendition in self.renditions.all() if rendition.format == form]


def with_portraits(therapists: models.QuerySet[Therapist]) -> models.QuerySet[Therapist]:
    """Fetch the therapists' photos along with them, in a fixed number of queries."""
    return therapists.select_related("portrait").prefetch_related("portrait__renditions")


class RenditionQuerySet(models.QuerySet["Rendition"]):
    def with_bytes(self) -> RenditionQuerySet:
        """Annotate each rendition with its size as `bytes`, without reading the content."""
        return self.annotate(bytes=_octets("content"))


class RenditionManager(models.Manager.from_queryset(RenditionQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> RenditionQuerySet:
        """Renditions without their content, which most pages only link to."""
        return super().get_queryset().defer("content")


class Rendition(models.Model):
    """An image in one size and format. Its address is the SHA-256 of its content, so it can be cached forever."""

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
                violation_error_message="There is a rendition of this width and format already.",
            ),
            models.CheckConstraint(
                name="articles_rendition_format_is_known",
                condition=Q(format__in=Format.values),
                violation_error_message="Choose one of the formats.",
            ),
            models.CheckConstraint(
                name="articles_rendition_holds_300_kb_at_most",
                condition=LessThanOrEqual(_octets("content"), MAX_RENDITION_BYTES) & GreaterThan(_octets("content"), 0),
                violation_error_message="A rendition holds at most 300 kB.",
            ),
            models.CheckConstraint(  # browsers cache an address for a year, so its content must never change
                name="articles_rendition_is_named_by_its_content",
                condition=Exact(F("sha256"), _hex_of_sha256("content")),
                violation_error_message="A rendition is named by the SHA-256 of its content.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.width} px, {self.get_format_display()}"

    def get_absolute_url(self) -> str:
        return reverse("articles:image", args=[self.sha256, self.format])
