"""Put the clinic and its articles into an empty database, once; never over what staff have edited."""

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
from booking.models import Caution, Clinic, Service, Shift, Therapist, UrgentHelp

CONTENT = Path(__file__).resolve().parents[2] / "content"
Facts = dict[str, Any]


def read(name: str) -> Facts:
    return tomllib.loads((CONTENT / name).read_text())


class NotYetError(Exception):
    """What is to be loaded names something that staff have removed or renamed; the text says what."""


class Command(BaseCommand):
    help = "Load the clinic, its therapists and articles. What was loaded once is never loaded again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--example",
            action="store_true",
            help="also services and hours to try booking with; not real ones",
        )

    @transaction.atomic
    def handle(self, *, example: bool, verbosity: int, **options: Any) -> None:
        self.verbosity = verbosity
        facts = read("clinic.toml")
        SiteRevision.objects.get_or_create(pk=1)
        self.once("clinic", lambda: Clinic.objects.create(pk=1, **facts["clinic"]))
        for one in facts["therapists"]:
            self.once(f"therapist {one['slug']}", partial(Therapist.objects.create, **one))
        self.once("urgent help", lambda: UrgentHelp.objects.create(pk=1, **facts["urgent_help"]))
        for one in facts["cautions"]:
            self.once(f"caution {one['slug']}", partial(Caution.objects.create, **one))
        for path in sorted(CONTENT.glob("*.toml")):
            article = read(path.name)
            if "slug" in article:
                self.once(f"article {article['slug']}", partial(load_article, article))
        for order, one in enumerate(read("questions.toml")["questions"]):
            self.once(
                f"question {one['anchor']}",
                partial(Question.objects.create, order=order, **one),
            )
        if example:
            self.once("example hours", lambda: load_example(facts))

    def once(self, key: str, load: Callable[[], object]) -> None:
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


def load_article(facts: Facts) -> None:
    parts = {name: facts.pop(name, []) for name in ("sections", "questions", "references", "cautions", "topics")}
    therapists = {name: Therapist.objects.filter(slug=facts.pop(name, "")).first() for name in ("author", "book_with")}
    if therapists["author"] is None:
        raise NotYetError("Its author is not among the therapists.")
    article = Article.objects.create(**facts, **therapists)
    article.topics.set(
        [Topic.objects.get_or_create(slug=slugify(name), defaults={"name": name})[0] for name in parts["topics"]]
    )
    article.cautions.set(Caution.objects.filter(slug__in=parts["cautions"]))
    for model, name in ((Section, "sections"), (Question, "questions")):
        for order, one in enumerate(parts[name]):
            model.objects.create(article=article, order=order, **one)
    for one in parts["references"]:
        Reference.objects.create(article=article, **one)
    publish(article)


def load_example(facts: Facts) -> None:
    """Services and hours to try booking with. They are flagged, and no real copy offers them."""
    for one in facts["example_services"]:
        therapists, cautions = one.pop("therapists"), one.pop("cautions")
        service = Service.objects.create(is_example=True, **one)
        service.therapists.set(Therapist.objects.filter(slug__in=therapists))
        service.cautions.set(Caution.objects.filter(slug__in=cautions))
    for one in facts["example_shifts"]:
        therapist = Therapist.objects.filter(slug=one.pop("therapist")).first()
        hours = {name: time.fromisoformat(one.pop(name)) for name in ("opens", "closes")}
        if therapist is not None:
            Shift.objects.create(therapist=therapist, is_example=True, **hours, **one)
    Clinic.objects.filter(notices_to="").update(**facts["example"])
