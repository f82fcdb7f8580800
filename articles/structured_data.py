"""What a page shows, as one JSON-LD graph (schema.org). It says nothing that the page does not.

Therapists are persons, never "Physician"; the clinic is a MedicalClinic only once its address is set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import unescape
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe

from articles.models import Article, Image, Question, Reference, SectionKind
from articles.rich_text import CITATION, fill
from booking.models import Clinic, Therapist

Node = dict[str, Any]


def graph(*nodes: Node | None) -> SafeString:
    """The script element; what could end it or begin another one inside is written as escapes."""
    content = {"@context": "https://schema.org", "@graph": [_filled(node) for node in nodes if node]}
    text = json.dumps(content, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308 - escaped just above


def _filled(node: Node) -> Node:
    return {key: value for key, value in node.items() if value not in (None, "", [])}


def _url(path: str) -> str:
    return settings.SITE_URL + path


def _reference_to(node: Node) -> Node:
    return {"@id": node["@id"]}


# ---- who ------------------------------------------------------------------------------------


def clinic(facts: Clinic | None) -> Node | None:
    """The clinic with the facts that stand in the footer; none before it is set up."""
    if facts is None:
        return None
    return {
        "@type": "MedicalClinic" if facts.address else "Organization",
        "@id": _url("/#clinic"),
        "name": facts.name,
        "url": _url("/"),
        "telephone": facts.phone_link.removeprefix("tel:"),
        "email": facts.email,
        "address": " ".join(facts.address.split()),
    }


def person(therapist: Therapist) -> Node:
    return {
        "@type": "Person",
        "@id": _url(therapist.get_absolute_url()) + "#person",
        "name": therapist.name,
        "jobTitle": therapist.role,
        "url": _url(therapist.get_absolute_url()),
        "worksFor": {"@id": _url("/#clinic")},
    }


# ---- pages ----------------------------------------------------------------------------------


def website() -> Node:
    return {
        "@type": "WebSite",
        "@id": _url("/#site"),
        "url": _url("/"),
        "publisher": {"@id": _url("/#clinic")},
        "potentialAction": {
            "@type": "SearchAction",
            "target": _url(reverse("articles:search")) + "?q={query}",
            "query-input": "required name=query",
        },
    }


def breadcrumbs(*steps: tuple[str, str]) -> Node:
    """Name and path of each step, from the home page; positions count from 1."""
    items = [
        {"@type": "ListItem", "position": number, "name": name, "item": _url(path)}
        for number, (name, path) in enumerate([("Home", "/"), *steps], start=1)
    ]
    return {"@type": "BreadcrumbList", "@id": _url(steps[-1][1]) + "#breadcrumbs", "itemListElement": items}


def questions(path: str, shown: Iterable[Question], facts: Mapping[str, str]) -> Node | None:
    entries = [
        {
            "@type": "Question",
            "@id": _url(f"{path}#{one.anchor}"),
            "name": one.question,
            "acceptedAnswer": {"@type": "Answer", "text": _text(fill(one.answer, facts))},
        }
        for one in shown
    ]
    return {"@type": "FAQPage", "@id": _url(path) + "#questions", "mainEntity": entries} if entries else None


def article_graph(article: Article, *, facts: Clinic, shown: Iterable[Reference]) -> SafeString:
    """The page of an article, with its parts."""
    path = article.get_absolute_url()
    author, trail = person(article.author), _trail(article)
    people = {one["@id"]: one for one in (author, *_others(article))}
    reviewer = person(article.reviewer) if article.reviewer else None
    page = {
        "@type": "MedicalWebPage",
        "@id": _url(path),
        "url": _url(path),
        "name": article.full_title,
        "description": article.description,
        "inLanguage": "en-US",
        "breadcrumb": _reference_to(trail),
        "mainEntity": {"@id": _url(path) + "#article"},
        "reviewedBy": _reference_to(reviewer) if reviewer else None,
        "lastReviewed": article.reviewed_on.isoformat() if article.reviewed_on else None,
        "publisher": {"@id": _url("/#clinic")},
    }
    text = {
        "@type": "Article",
        "@id": _url(path) + "#article",
        "headline": article.full_title,
        "description": article.description,
        "image": _image(article.image) if article.image else None,
        "author": _reference_to(author),
        "publisher": {"@id": _url("/#clinic")},
        "datePublished": _moment(article.published_at, facts),
        "dateModified": _moment(article.updated_at, facts),
        "citation": [_citation(reference) for reference in shown],
    }
    are_shown = any(section.kind == SectionKind.QUESTIONS for section in article.sections.all())
    asked = questions(path, article.questions.all(), facts.facts) if are_shown else None
    return graph(page, text, asked, trail, clinic(facts), *people.values())


def _image(image: Image) -> Node | None:
    largest = image.largest
    if largest is None:
        return None
    return _filled(
        {
            "@type": "ImageObject",
            "url": _url(largest.get_absolute_url()),
            "width": largest.width,
            "height": largest.height,
            "caption": image.caption,
            "creditText": image.credit,
        }
    )


def _others(article: Article) -> list[Node]:
    return [person(one) for one in (article.reviewer, article.book_with) if one]


def _trail(article: Article) -> Node:
    return breadcrumbs(("Articles", reverse("articles:list")), (article.title, article.get_absolute_url()))


def _citation(reference: Reference) -> Node:
    return _filled(
        {
            "@type": "ScholarlyArticle" if reference.journal else "CreativeWork",
            "name": reference.title,
            "author": reference.authors,
            "datePublished": str(reference.year),
            "isPartOf": {"@type": "Periodical", "name": reference.journal} if reference.journal else None,
            "sameAs": [address for address, _ in reference.links],
        }
    )


def _moment(moment: datetime | None, facts: Clinic) -> str | None:
    """With the clinic's offset from UTC (ISO 8601)."""
    return moment.astimezone(facts.zone).isoformat(timespec="seconds") if moment else None


def _text(html: str) -> str:
    return unescape(" ".join(strip_tags(CITATION.sub("", html).replace("<", " <")).split()))
