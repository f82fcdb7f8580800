"""The desk's pages for articles, one module each: the article's page, its steps and revisions, images, lists.

Rules of publishing never live here: they are in `articles.publishing`, which the pages call.
"""

from . import images, lists, page

__all__ = ["images", "lists", "page"]
