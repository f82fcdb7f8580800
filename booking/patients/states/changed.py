"""What a patient is told when a decision was not carried out, because what it is about has changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from booking.models import Offer, Service, State, Therapist
from booking.models.versions import VisitVersion
from revival.base.bidi import bdi
from revival.base.words import clock, day_and_hour

from .visit import OTHER_VISIT, VISITS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Changed:
    """Context of `booking/patients/_changed.html`: what the page showed, what is so now, and whether to offer it anew.

    Either text may be empty: when the page sent nothing we know, and where the page below says it all.
    """

    seen: StrOrPromise
    now: StrOrPromise
    is_still_possible: bool


AS_SHOWN = _("{starts_at} to {ends_at}, {service} with {therapist}")


def visit_words(version: str) -> SafeString:
    """Confirmed: Monday, December 7, 9:15 am to 10:00 am, Consultation with Dr. Stanley; empty for anything else."""
    visit = VisitVersion.last_in(version)
    if visit is None or visit.state not in State.values:
        return SafeString("")
    therapist = Therapist.objects.filter(pk=visit.therapist).first()
    service = Service.objects.filter(pk=visit.service).first()
    if therapist is None or service is None:
        return SafeString("")
    times = {"starts_at": day_and_hour(visit.starts_at), "ends_at": clock(visit.ends_at)}
    words = format_html(str(AS_SHOWN), **times, service=bdi(service.name), therapist=bdi(therapist.name))
    tag = VISITS.get(State(visit.state), OTHER_VISIT).tag
    return format_html("{}: {}", tag, words) if tag else words


HELD_FOR_YOU = _("{time} with {therapist}, held for you")
OFFERS = {
    Offer.State.TAKEN: _("you have taken it"),
    Offer.State.DECLINED: _("it is no longer held for you"),
    Offer.State.EXPIRED: _("it is no longer held for you"),
}


def offer_changed(seen: str, offer: Offer) -> Changed:
    """For an answer to a waiting-list offer; `offer` is as it is now, with the visit that would move, if any."""
    names = {"time": day_and_hour(offer.starts_at), "therapist": bdi(offer.therapist.name)}
    was, is_open = visit_words(seen) or format_html(str(HELD_FOR_YOU), **names), offer.version.startswith("open.")
    now = visit_words(offer.version) if is_open else OFFERS.get(Offer.State(offer.state), "")
    return Changed(was if seen else "", now, is_still_possible=is_open)
