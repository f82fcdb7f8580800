"""Structured data of pages: one JSON-LD graph each (schema.org), which says only what the page shows.

Search engines lower a site that claims more than its pages show, so unknown facts are left out: the clinic is a
MedicalClinic only if its address is set, and a review is named only if there was one. Therapists are of type Person.
A physician's type was weighed on 2026-11-24 and left, because physical therapists are not physicians.
"""

from __future__ import annotations

import json
from calendar import day_name
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from articles.models import Article, Image, Question, Reference, SectionKind
from articles.rich_text import Citations
from booking.models import Clinic, Therapist
from revival.base.clock import MIDNIGHT

Node = dict[str, Any]  # Any: JSON


def graph(*nodes: Node | None) -> SafeString:
    """Script element with the graph; characters that could end the element or open a tag are escaped."""
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


# ---- clinic and people ----------------------------------------------------------------------


def clinic_node(clinic: Clinic | None) -> Node | None:
    """Node of the clinic, with what the footer shows; None before the clinic is set up."""
    if clinic is None:
        return None
    return {
        "@type": "MedicalClinic" if clinic.address else "Organization",
        "@id": _url("/#clinic"),
        "name": clinic.name,
        "url": _url("/"),
        "telephone": clinic.phone_link.removeprefix("tel:"),
        "email": clinic.email,
        "address": _address(clinic),
        "openingHoursSpecification": _opening_hours(clinic) if clinic.address else None,  # an Organization has none
    }


def _address(clinic: Clinic) -> Node | str:
    """A PostalAddress once all its parts are set; until then what is there, as text."""
    if not clinic.has_whole_address:
        return " ".join(clinic.address.split())
    return {
        "@type": "PostalAddress",
        "streetAddress": " ".join(clinic.address_line.split()),
        "addressLocality": clinic.city,
        "addressRegion": clinic.state,
        "postalCode": clinic.postal_code,
        "addressCountry": clinic.country,
    }


def _opening_hours(clinic: Clinic) -> list[Node]:
    """One node for each span, with the days that have it; the end of the day is a minute before midnight."""
    days: dict[tuple[str, str], list[str]] = {}
    for shift in clinic.week:
        last = time(23, 59) if shift.closes == MIDNIGHT else shift.closes
        days.setdefault((f"{shift.opens:%H:%M}", f"{last:%H:%M}"), []).append(day_name[shift.weekday])
    return [
        {"@type": "OpeningHoursSpecification", "dayOfWeek": names, "opens": opens, "closes": closes}
        for (opens, closes), names in days.items()
    ]


def person_node(therapist: Therapist) -> Node:
    return {
        "@type": "Person",
        "@id": _url(therapist.get_absolute_url()) + "#person",
        "name": therapist.name,
        "jobTitle": therapist.role,
        "url": _url(therapist.get_absolute_url()),
        "worksFor": {"@id": _url("/#clinic")},
    }


# ---- pages ----------------------------------------------------------------------------------


def website_node() -> Node:
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


def breadcrumbs_node(*steps: tuple[str, str]) -> Node:
    """Node of the breadcrumbs below the home page, given as pairs of name and path; positions count from 1."""
    items = [
        {"@type": "ListItem", "position": number, "name": name, "item": _url(path)}
        for number, (name, path) in enumerate([("Home", "/"), *steps], start=1)
    ]
    return {"@type": "BreadcrumbList", "@id": _url(steps[-1][1]) + "#breadcrumbs", "itemListElement": items}


def faq_node(path: str, rows: Iterable[Question], clinic_facts: Mapping[str, str]) -> Node | None:
    """FAQPage node of the questions on a page; None if there are none."""
    entries = [
        {
            "@type": "Question",
            "@id": _url(f"{path}#{row.anchor}"),
            "name": row.question,
            "acceptedAnswer": {"@type": "Answer", "text": Citations((), clinic_facts).words(row.answer)},
        }
        for row in rows
    ]
    return {"@type": "FAQPage", "@id": _url(path) + "#questions", "mainEntity": entries} if entries else None


def article_graph(article: Article, *, clinic: Clinic, cited: Iterable[Reference]) -> SafeString:
    """Graph of an article's page: the page, the article, its questions, the clinic and the people."""
    author, trail = person_node(article.author), _breadcrumbs_of(article)
    people = {node["@id"]: node for node in (author, *_reviewer_and_therapist(article))}
    page = _page_node(article, trail)
    text = _article_node(article, author, clinic, cited)
    has_questions = any(section.kind == SectionKind.QUESTIONS for section in article.sections.all())
    path, rows = article.get_absolute_url(), article.questions.all()
    faq = faq_node(path, rows, clinic.facts) if has_questions else None
    return graph(page, text, faq, trail, clinic_node(clinic), *people.values())


def _page_node(article: Article, trail: Node) -> Node:
    path = article.get_absolute_url()
    reviewer = person_node(article.reviewer) if article.reviewer else None
    return {
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


def _article_node(article: Article, author: Node, clinic: Clinic, cited: Iterable[Reference]) -> Node:
    path = article.get_absolute_url()
    return {
        "@type": "Article",
        "@id": _url(path) + "#article",
        "headline": article.full_title,
        "description": article.description,
        "image": _image(article.image) if article.image else None,
        "author": _reference_to(author),
        "publisher": {"@id": _url("/#clinic")},
        "datePublished": _iso_moment(article.published_at, clinic),
        "dateModified": _iso_moment(article.updated_at, clinic),
        "citation": [_citation(reference) for reference in cited],
    }


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


def _reviewer_and_therapist(article: Article) -> list[Node]:
    return [person_node(therapist) for therapist in (article.reviewer, article.book_with) if therapist]


def _breadcrumbs_of(article: Article) -> Node:
    return breadcrumbs_node(("Articles", reverse("articles:list")), (article.title, article.get_absolute_url()))


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


def _iso_moment(moment: datetime | None, clinic: Clinic) -> str | None:
    """ISO 8601 with the clinic's offset from UTC."""
    return moment.astimezone(clinic.zone).isoformat(timespec="seconds") if moment else None
