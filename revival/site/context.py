"""Template context of every page: the clinic, and whether this is a trial copy."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from types import SimpleNamespace

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from booking.models import Clinic
from revival.base.django_types import Context

IS_STALE = "revival.is_stale"
"""Set in request.META when a page shows old facts about the clinic, so that it is not cached."""

ClinicFacts = Clinic | SimpleNamespace
"""The clinic's row, or the same fields from the file we ship."""

_last_seen: Clinic | None = None


def site(request: HttpRequest) -> Context:
    return {
        "clinic": SimpleLazyObject(lambda: find_clinic(request)),
        "is_trial": not settings.IS_PRODUCTION,
        "site_url": settings.SITE_URL,
    }


def find_clinic(request: HttpRequest) -> ClinicFacts:
    """The clinic's row; without the database the last one this process read, or the facts we ship."""
    try:
        remember_clinic(Clinic.objects.current())
    except (Clinic.DoesNotExist, DatabaseError):
        request.META[IS_STALE] = True
    return clinic_without_database()


def remember_clinic(clinic: Clinic) -> None:
    global _last_seen
    _last_seen = clinic


def clinic_without_database() -> ClinicFacts:
    return _last_seen or shipped_clinic()


@lru_cache
def shipped_clinic() -> SimpleNamespace:
    """The facts in articles/content/clinic.toml, so that an error page always has a phone number."""
    path = settings.BASE_DIR / "articles" / "content" / "clinic.toml"
    facts = tomllib.loads(path.read_text())["clinic"] if path.exists() else {}
    texts = dict.fromkeys(("name", "opening_line", "phone", "email", "address", "opening_hours"), "")
    digits = "".join(character for character in facts.get("phone", "") if character.isdigit())
    return SimpleNamespace(**{**texts, **facts}, week=(), phone_link=f"tel:+1{digits}")
