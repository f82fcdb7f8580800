"""Every address of the site that no name of an address below /admin/ covers, with rows to show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver
from django.utils import timezone

from articles.models import Article, Stage
from booking.models import Absence, Override, Shift, State
from revival.base.clock import Span
from tests.factories import a_service, an_appointment, an_offer, in_days, outage_of, working_all_week


def public_names() -> set[str]:
    return set(_walk(get_resolver("revival.urls").url_patterns, ""))


def _walk(patterns: list, space: str):
    for one in patterns:
        if isinstance(one, URLResolver):
            if one.namespace != "admin":
                yield from _walk(one.url_patterns, f"{one.namespace}:" if one.namespace else space)
        elif one.name:
            yield space + one.name


def open_the_doors(rows: SimpleNamespace) -> None:
    """Make what patients book: everything public about these rows can be asked for."""
    Absence.objects.filter(outage=None).delete()
    Shift.objects.all().delete()
    Override.objects.all().delete()
    for therapist in (rows.therapist, rows.other):
        working_all_week(therapist)
    Article.objects.filter(pk=rows.article.pk).update(stage=Stage.PUBLISHED, published_at=timezone.now())


def public_addresses(rows: SimpleNamespace, client: Client) -> dict[str, str]:
    """URL name to a path that shows something; the client holds a time."""
    open_the_doors(rows)
    service = a_service(rows.therapist, rows.other, slug="look", name="A look")
    confirmed = an_appointment(
        rows.therapist, service, in_days(8, 14), state=State.CONFIRMED, confirmed_at=timezone.now()
    )
    offer = an_offer(rows.waitlistentry, rows.therapist, in_days(9, 14))
    an_appointment(rows.other, service, in_days(13), email="out@example.com", confirmed_at=timezone.now())
    contact = an_outage_contact(rows)
    taken = client.post("/book/peter-stanley/look/", {"start": in_days(10, 14).isoformat()})
    visit, waits = confirmed.get_absolute_url(), offer.entry.get_absolute_url()
    return {
        "home": "/",
        "robots": "/robots.txt",
        "favicon": "/favicon.ico",
        "sitemap": "/sitemap.xml",
        "therapists:list": "/therapists/",
        "therapists:detail": "/therapists/peter-stanley/",
        "therapists:next": "/therapists/peter-stanley/next/",
        "articles:list": "/articles/",
        "articles:detail": rows.article.get_absolute_url(),
        "articles:clear": f"{rows.article.get_absolute_url()}clear/",
        "articles:thanks": f"{rows.article.get_absolute_url()}clear/thanks/",
        "articles:preview": f"/articles/preview/{rows.article.preview_token}/",
        "articles:feed": "/feeds/articles.atom",
        "articles:faq": "/faq/",
        "articles:image": f"/images/{'a' * 64}.webp",
        "articles:search": "/search/?q=cup",
        "booking:privacy": "/privacy/",
        "booking:choose": "/book/",
        "booking:open_now": "/book/open-now/",
        "booking:details": taken["Location"],
        "booking:ask": "/book/peter-stanley/ask/",
        "booking:asked": "/book/peter-stanley/ask/sent/",
        "booking:slots": "/book/peter-stanley/look/",
        "booking:find": "/visits/find/",
        "booking:instead": contact.get_absolute_url(),
        "booking:visit": visit,
        "booking:move": f"{visit}move/",
        "booking:cancel": f"{visit}cancel/",
        "booking:own_details": f"{visit}details/",
        "booking:new_email": f"{visit}email/",
        "booking:confirm_email": rows.emailchange.get_absolute_url(),
        "booking:calendar": f"{visit}visit.ics",
        "booking:earlier": f"{visit}earlier/",
        "booking:join": reverse("booking:join", args=["peter-stanley", "look"]),
        "booking:waitlist": waits,
        "booking:accept": f"{waits}accept/",
        "booking:decline": f"{waits}decline/",
        "booking:leave": f"{waits}leave/",
    }


def an_outage_contact(rows: SimpleNamespace) -> Any:
    return outage_of(rows.other, Span(in_days(13, 0), in_days(14, 0))).contacts.first()
