"""Atom feed of the newest articles (RFC 4287), with absolute addresses from SITE_URL."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed

from articles.models import Article
from booking.models import Clinic
from revival.base.bidi import isolate

MAX_ITEMS = 20


class ArticleFeed(Feed):
    feed_type = Atom1Feed

    def title(self) -> str:
        return f"{isolate(Clinic.objects.current().name)}: articles"

    def link(self) -> str:
        return settings.SITE_URL + reverse("articles:list")

    def feed_url(self) -> str:
        return settings.SITE_URL + reverse("articles:feed")

    def items(self) -> QuerySet[Article]:
        return Article.objects.published().select_related("author")[:MAX_ITEMS]

    def item_title(self, article: Article) -> str:
        return article.full_title

    def item_description(self, article: Article) -> str:
        return article.description

    def item_link(self, article: Article) -> str:
        return settings.SITE_URL + article.get_absolute_url()

    def item_author_name(self, article: Article) -> str:
        return article.author.name

    def item_pubdate(self, article: Article) -> datetime | None:
        return article.published_at

    def item_updateddate(self, article: Article) -> datetime:
        return article.updated_at
