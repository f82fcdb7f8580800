"""Load the clinic and its articles from articles/content/, each item once, so that staff's changes stay.

The content is TOML, which Python reads itself. A table remembers each item that was loaded, so nothing that staff
deleted comes back, and a later version of the shipped text never reaches a running site. Alternatives weighed on
2026-11-24: Django's fixtures, which overwrite edits; comparing texts, which only guesses who edited.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils.text import slugify

from articles.models import Article, LoadedContent, Question, Reference, Section, SiteRevision, Topic
from articles.publishing import publish
from booking.models import Caution, Clinic, Service, Shift, Therapist, UrgentHelp, WithExamples
from revival.base.django_types import Passed

CONTENT = Path(__file__).resolve().parents[2] / "content"
Content = dict[str, Any]  # Any: TOML
"""A TOML file, or a table in it."""


def read(name: str) -> Content:
    return tomllib.loads((CONTENT / name).read_text())


class NotYetError(Exception):
    """The item refers to a row that staff have removed or renamed; the message says which."""


class Command(BaseCommand):
    help = "Load the clinic, its therapists and articles. An item that was loaded once is never loaded again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--example",
            action="store_true",
            help="also load example services and hours to try booking with",
        )

    @transaction.atomic
    def handle(self, *, example: bool, verbosity: int, **options: Passed) -> None:
        self.verbosity = verbosity
        content = read("clinic.toml")
        SiteRevision.objects.get_or_create(pk=1)
        self.load_clinic(content)
        for path in sorted(CONTENT.glob("*.toml")):
            article = read(path.name)
            if "slug" in article:
                self.once(f"article {article['slug']}", partial(load_article, article))
        for order, question in enumerate(read("questions.toml")["questions"]):
            key = f"question {question['anchor']}"
            self.once(key, partial(Question.objects.create, order=order, **question))
        if example:
            self.once("example hours", partial(load_example, content))
            self.once("example facts", partial(load_example_facts, content["example_facts"]))

    def load_clinic(self, content: Content) -> None:
        self.once("clinic", partial(Clinic.objects.create, pk=1, **content["clinic"]))
        for therapist in content["therapists"]:
            self.once(f"therapist {therapist['slug']}", partial(Therapist.objects.create, **therapist))
        self.once("urgent help", partial(UrgentHelp.objects.create, pk=1, **content["urgent_help"]))
        for caution in content["cautions"]:
            self.once(f"caution {caution['slug']}", partial(Caution.objects.create, **caution))

    def once(self, key: str, load: Callable[[], object]) -> None:
        """Call `load` unless `key` was loaded before; an item that cannot be loaded yet is left for the next run."""
        if LoadedContent.objects.filter(key=key).exists():
            return
        try:
            load()
        except NotYetError as error:
            self.stderr.write(f"Left out for now: {key}. {error}")
            return
        LoadedContent.objects.create(key=key)
        if self.verbosity > 1:
            self.stdout.write(f"loaded {key}")


def load_article(content: Content) -> None:
    """Create an article with its parts, and publish it. Raises NotYetError."""
    parts = {name: content.pop(name, []) for name in ("sections", "questions", "references", "cautions", "topics")}
    therapists = {
        name: Therapist.objects.filter(slug=content.pop(name, "")).first() for name in ("author", "book_with")
    }
    if therapists["author"] is None:
        raise NotYetError("Its author is not among the therapists.")
    article = Article.objects.create(**content, **therapists)
    article.topics.set(
        [Topic.objects.get_or_create(slug=slugify(name), defaults={"name": name})[0] for name in parts["topics"]]
    )
    article.cautions.set(Caution.objects.filter(slug__in=parts["cautions"]))
    for model, name in ((Section, "sections"), (Question, "questions")):
        for order, part in enumerate(parts[name]):
            model.objects.create(article=article, order=order, **part)
    for reference in parts["references"]:
        Reference.objects.create(article=article, **reference)
    publish(article)


def load_example(content: Content) -> None:
    """Create example services and hours; they are marked as such, and production does not offer them."""
    for columns in content["example_services"]:
        therapists, cautions = columns.pop("therapists"), columns.pop("cautions")
        facts = [name for name in ("description", "includes", "fee") if name in columns]
        service = Service.objects.create(is_example=True, example_facts=facts, **columns)
        service.therapists.set(Therapist.objects.filter(slug__in=therapists))
        service.cautions.set(Caution.objects.filter(slug__in=cautions))
    for columns in content["example_shifts"]:
        therapist = Therapist.objects.filter(slug=columns.pop("therapist")).first()
        hours = {name: time.fromisoformat(columns.pop(name)) for name in ("opens", "closes")}
        if therapist is not None:
            Shift.objects.create(therapist=therapist, is_example=True, **hours, **columns)
    Clinic.objects.filter(notices_to="").update(**content["example"])


def load_example_facts(content: Content) -> None:
    """Fill in facts of the clinic and its therapists that are empty, and mark each as an example."""
    rows: list[tuple[WithExamples, Content]] = [(clinic, content["clinic"]) for clinic in Clinic.objects.all()]
    therapists = {therapist.slug: therapist for therapist in Therapist.objects.all()}
    rows += [(therapists[slug], facts) for slug, facts in content["therapists"].items() if slug in therapists]
    for row, facts in rows:
        empty = {name: value for name, value in facts.items() if not getattr(row, name)}
        for name, value in empty.items():
            setattr(row, name, value)
        row.example_facts = [*row.example_facts, *empty]
        row.save()
