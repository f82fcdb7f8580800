"""Where editors keep the articles, one module per noun."""

from . import articles, images, lists

__all__ = ["articles", "images", "lists"]
