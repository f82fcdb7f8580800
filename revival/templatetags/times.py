"""The filters of `revival.base.words`, under the name templates load them by: `{% load times %}`."""

from revival.base.words import register

__all__ = ["register"]
