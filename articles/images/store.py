"""What is done with pictures: put one in with its renditions, say where one is used."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse

from articles.models import Article, Image, Rendition

from .pictures import Encoded, NotAPictureError, Picture


def demand_new(picture: Picture) -> None:
    """Raises NotAPictureError when the very same picture is there already, and says under which title."""
    there = Rendition.objects.filter(sha256__in=[one.sha256 for one in picture.renditions]).select_related("image")
    if found := there.first():
        raise NotAPictureError(f"This picture is here already: “{found.image}”. Use that one.")


def add_image(*, image: Image, picture: Picture, by: Any) -> Image:
    """Write the words and what was drawn. Nothing is encoded in here: a transaction ought to be short.

    Raises NotAPictureError when the same picture was put in meanwhile.
    """
    image.width, image.height, image.uploaded_by = picture.width, picture.height, by
    try:
        with transaction.atomic():
            image.save()
            Rendition.objects.bulk_create([_row(image, one) for one in picture.renditions])
    except IntegrityError:
        demand_new(picture)
        raise
    return image


def _row(image: Image, encoded: Encoded) -> Rendition:
    return Rendition(
        image=image,
        sha256=encoded.sha256,
        format=encoded.format,
        width=encoded.width,
        height=encoded.height,
        content=encoded.content,
    )


def uses(image: Image) -> list[tuple[str, str]]:
    """Where it is shown, in words, each with the address of the article at the desk."""
    found = [(f"At the top of “{one}”", one) for one in image.articles.all()]
    found += [(f"“{one.heading}” in “{one.article}”", one.article) for one in image.sections.select_related("article")]
    used = [(words, reverse("admin:articles_article_change", args=[article.pk])) for words, article in found]
    if image.portrait_of:
        used.append((f"Beside the name of {image.portrait_of}", image.portrait_of.get_absolute_url()))
    return used


def is_public(image: Image) -> bool:
    """Whether a published article or a therapist's page shows it."""
    published = Article.objects.published()
    return (
        image.portrait_of_id is not None
        or published.filter(image=image).exists()
        or published.filter(sections__image=image).exists()
    )
