"""Causes why a time cannot be booked, in words for patients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from booking.models import Terms, Therapist, WhyNot
from booking.time.availability import Cause
from revival.base.bidi import bdi

WITH_THERAPIST = {
    Cause.NOT_GIVEN: _("{therapist} does not give {service}."),
    Cause.NOT_ON_OFFER: _("{service} can’t be booked online just now."),
    Cause.NOT_TAKING: _("{therapist} is not taking new patients online just now."),
    Cause.NO_HOURS: _("Online booking with {therapist} opens soon."),
    Cause.PAST: _("That time has gone by."),
    Cause.NOTICE: _("Online, it has to be chosen at least {notice} hours ahead."),
    Cause.HORIZON: _("Online, it can be at most {days} days ahead."),
    Cause.CLOSED: _("{therapist} does not see patients then."),
    Cause.ENDS_TOO_LATE: _("A visit that begins then would last longer than {therapist} sees patients."),
    Cause.AWAY: _("{therapist} is away then."),
    Cause.TAKEN: _("Someone else has a visit then."),
    Cause.OFF_GRID: _("Visits do not begin at that minute."),
}
WITH_ANYONE = WITH_THERAPIST | {
    Cause.NOT_GIVEN: _("No therapist gives {service} just now."),
    Cause.NOT_TAKING: _("No therapist is taking new patients online just now."),
    Cause.NO_HOURS: _("Online booking opens soon."),
    Cause.CLOSED: _("No therapist sees patients then."),
    Cause.ENDS_TOO_LATE: _("A visit that begins then would last longer than a therapist sees patients."),
    Cause.AWAY: _("All therapists are away then."),
}
ONCE = (Cause.NOT_ON_OFFER, Cause.NOT_GIVEN, Cause.NOT_TAKING, Cause.NO_HOURS)
"""Where one of these holds, the time itself does not matter."""


def why_words(why: Sequence[WhyNot]) -> SafeString:
    """Why a time cannot be had: what holds for each therapist who was asked about; empty when nothing does for all."""
    if not why:
        return SafeString("")
    shared = reduce(frozenset.intersection, (frozenset(one.causes) for one in why))
    return cause_words(shared, why[0].terms, why[0].therapist if len(why) == 1 else None)


def closed_words(terms: Terms, therapists: Sequence[Therapist], therapist: Therapist | None) -> SafeString:
    """Why nothing can ever be booked on these terms, with the therapist chosen or with any; empty when it can.

    Of several therapists the cause named is that of the first.
    """
    never = [[reason.cause for reason in terms.never_with(one)] for one in therapists]
    if any(not causes for causes in never):
        return SafeString("")
    return cause_words(never[0] if never else [Cause.NOT_GIVEN], terms, therapist)


def cause_words(causes: Iterable[Cause], terms: Terms, therapist: Therapist | None) -> SafeString:
    """These causes as sentences, without those that another one makes idle."""
    named = sorted(causes, key=list(Cause).index)
    first = [cause for cause in ONCE if cause in named]
    named = first[:1] or [cause for cause in named if cause != Cause.TAKEN] or named
    texts = WITH_THERAPIST if therapist else WITH_ANYONE
    names = {
        "therapist": bdi(therapist.short_name) if therapist else "",
        "service": bdi(terms.service.name),
        "notice": f"{terms.rules.notice.total_seconds() / 3600:.0f}",
        "days": terms.horizon_days,
    }
    return format_html_join(" ", "{}", ((format_html(str(texts[cause]), **names),) for cause in named))
