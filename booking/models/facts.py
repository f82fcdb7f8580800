"""Facts that pages and mails state: fields that are left out while empty, and examples that only a trial copy shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils.translation import gettext

from revival.base.bidi import isolate
from revival.base.django_types import Passed
from revival.base.plain_text import ONE_LINE, refuse_hidden_characters

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST_TEXT = 600


@dataclass(frozen=True)
class Fact:
    """What a page or mail states under a heading, line by line; `url` and `link` lead to where more is."""

    name: str
    lines: tuple[str, ...]
    url: str = ""
    link: str = ""


def line_field(longest: int, **options: Any) -> models.CharField[str, str]:  # Any: as in Django's fields
    """A fact of one line. Empty: no page states it."""
    return models.CharField(max_length=longest, blank=True, validators=ONE_LINE, **options)


def text_field(**options: Any) -> models.TextField[str, str]:  # Any: as in Django's fields
    """A fact of a few sentences. Empty: no page states it."""
    return models.TextField(max_length=LONGEST_TEXT, blank=True, validators=several_lines(LONGEST_TEXT), **options)


def several_lines(longest: int) -> list[Callable[[str], None]]:
    """Validators of text of several lines; a `max_length` alone binds forms, not rows."""
    return [refuse_hidden_characters, MaxLengthValidator(longest)]


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


class WithExamples(models.Model):
    """A row some of whose facts may be examples: a trial copy shows them as such, in production they are empty.

    They are emptied where a row is read, so that no page, mail, calendar file or form can state one.
    """

    example_facts = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        editable=False,
        help_text="Fields that hold an example made for a trial copy.",
    )

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, *args: Passed, **kwargs: Passed) -> Any:  # Any: a row of the class, as in Django
        row = super().from_db(*args, **kwargs)
        if settings.IS_PRODUCTION:
            for name in row.__dict__.get("example_facts", ()):
                setattr(row, name, cls._meta.get_field(name).get_default())  # type: ignore[union-attr]
        return row

    def states(self, field: str) -> bool:
        """Whether this fact was entered, by the clinic: an example was not."""
        return bool(getattr(self, field)) and field not in self.example_facts

    def keep_as_own(self, fields: Iterable[str]) -> None:
        """These fields are examples no longer: somebody at the clinic has written them."""
        own = set(fields)
        self.example_facts = [name for name in self.example_facts if name not in own]

    @property
    def examples_in_words(self) -> str:
        """The fields with examples by the names that forms show, for the desk."""
        return ", ".join(str(self._meta.get_field(name).verbose_name) for name in self.example_facts)  # type: ignore[union-attr]

    def fact(
        self, field: str, name: StrOrPromise, lines: Iterable[str] | None = None, *, url: str = "", link: str = ""
    ) -> Iterator[Fact]:
        """The fact of a field under this name, unless it is empty; an example is called one."""
        there = tuple(lines_of(getattr(self, field)) if lines is None else lines)
        if there:
            yield Fact(example_name(name) if field in self.example_facts else str(name), there, url, link)


def example_name(name: StrOrPromise) -> str:
    return gettext("%(name)s (example)") % {"name": isolate(name)}
