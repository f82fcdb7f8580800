"""Sitemap: the public pages, and when each last changed (sitemaps.org)."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.urls import reverse

from articles.models import Article
from booking.models import Therapist


class OurSitemap(Sitemap):
    """Sitemap whose addresses begin with SITE_URL, whatever host name the request used."""

    # Any: Django's own signature.
    def get_urls(self, page: int | str = 1, site: object = None, protocol: str | None = None) -> list[dict[str, Any]]:
        site_url = urlsplit(settings.SITE_URL)
        return super().get_urls(page, SimpleNamespace(domain=site_url.netloc), site_url.scheme)  # type: ignore[arg-type]


class Pages(OurSitemap):
    def items(self) -> list[str]:
        return ["home", "articles:list", "articles:faq", "therapists:list", "booking:privacy"]

    def location(self, name: str) -> str:
        return reverse(name)


class Articles(OurSitemap):
    def items(self) -> QuerySet[Article]:
        return Article.objects.published()

    def lastmod(self, article: Article) -> datetime:
        return article.updated_at


class Therapists(OurSitemap):
    def items(self) -> QuerySet[Therapist]:
        return Therapist.objects.all()


SITEMAPS = {"pages": Pages, "articles": Articles, "therapists": Therapists}
