"""Stored images: add one with its renditions, refuse duplicates, list where one is used."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.urls import reverse

from articles.models import Article, Image, Rendition
from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffUser

from .pictures import Encoded, NotAPictureError, Picture


def refuse_duplicate(picture: Picture) -> None:
    """Raises NotAPictureError if the same picture is stored already; the message names it."""
    same = Rendition.objects.filter(sha256__in=[encoded.sha256 for encoded in picture.renditions])
    if rendition := same.select_related("image").first():
        raise NotAPictureError(f"This picture is here already: “{rendition.image}”. Use that one.")


def add_image(*, image: Image, picture: Picture, by: StaffUser | None) -> Image:
    """Store an image with its renditions, encoded beforehand so that the transaction is short.

    Raises NotAPictureError if the same picture was stored in the meantime.
    """
    image.width, image.height, image.uploaded_by = picture.width, picture.height, by
    try:
        with transaction.atomic():
            image.save()
            Rendition.objects.bulk_create([_rendition(image, encoded) for encoded in picture.renditions])
    except IntegrityError:
        refuse_duplicate(picture)
        raise
    return image


def _rendition(image: Image, encoded: Encoded) -> Rendition:
    return Rendition(
        image=image,
        sha256=encoded.sha256,
        format=encoded.format,
        width=encoded.width,
        height=encoded.height,
        content=encoded.content,
    )


def image_uses(image: Image) -> list[tuple[str, str]]:
    """Places that show the image: each in words, with the URL of the article at the desk or the therapist's page."""
    places = [(f"At the top of “{article}”", article) for article in image.articles.all()]
    sections = image.sections.select_related("article")
    places += [(f"“{section.heading}” in “{section.article}”", section.article) for section in sections]
    uses = [(words, reverse("admin:articles_article_change", args=[article.pk])) for words, article in places]
    if image.portrait_of:
        uses.append((f"Beside the name of {isolate(image.portrait_of)}", image.portrait_of.get_absolute_url()))
    return uses


def is_on_public_page(image: Image) -> bool:
    """Whether a published article or a therapist's page shows the image."""
    published = Article.objects.published()
    return (
        image.portrait_of_id is not None
        or published.filter(image=image).exists()
        or published.filter(sections__image=image).exists()
    )
