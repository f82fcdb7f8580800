"""Other visits of the same patient at a time that staff are about to choose: said before anything is saved.

Online that is refused (`booking.actions.limits`). Staff may have their reasons, so they tick a box and go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.db.models import Q
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString

from booking.models import AccessLog, Appointment, Look, Terms, Therapist
from booking.models.people import Person, PersonDetails
from booking.models.versions import Together
from revival.base.bidi import bdi
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.words import clock

from .wording import moment_words

ALL_THE_SAME = "all_the_same"
"""Name of the tick. Its value is the stamp of what the page said, so that it accepts nothing else."""
NOT_YET = 'Nothing is saved yet: {} has another visit then. <a href="#all_the_same">See “{} all the same”</a>'


def person_typed_in(form: forms.Form) -> Person:
    """Who a visit is for, in a form that may have errors elsewhere."""
    return Person(*(str(form[name].value() or "").strip() for name in ("name", "email", "phone", "patient_name")))


@dataclass(frozen=True)
class OtherVisits:
    """Context of `booking/desk/base/_other_visits.html`. `stamp` names the visits without telling anything of them."""

    patient: str
    sentences: list[SafeString]
    stamp: str
    is_accepted: bool

    def refuse(self, form: forms.Form, verb: str) -> bool:
        """Add the form's error unless staff ticked to go on. Returns whether they have yet to tick."""
        if not self.is_accepted:
            form.add_error(None, format_html(NOT_YET, bdi(self.patient), verb))
        return not self.is_accepted


def other_visits(
    details: PersonDetails,
    *,
    terms: Terms,
    starts: Iterable[datetime | None],
    therapist: Therapist | None,
    user: StaffUser,
    sent: Mapping[str, str],
    besides: Q,
) -> OtherVisits | None:
    """The same patient's visits that overlap one of these on the same terms; None without any.

    `therapist` is whom they choose: a visit with the same one keeps the time from being had at all, and the refusal
    names it. None past the rules, where nothing is refused. `besides` are the visits that are being moved, or were
    booked by this very form before. Of a visit that is not theirs to see, `user` learns only that there is one.
    `sent` is what the form sent, with the tick or without. What is said counts as a search in the access log.
    """
    spans = [Span(start, start + terms.length) for start in sorted(filter(None, starts))]
    if not details.name or not spans:
        return None
    refused = Q(therapist=therapist) if therapist else Q(pk__in=[])
    rows = Appointment.objects.of_patient(details).taking_place_in(*spans).exclude(refused).exclude(besides)
    found = rows.in_order()
    if not found:
        return None
    AccessLog.objects.note(user, Look.SEARCH)
    seen = set(rows.seen_by(user).values_list("pk", flat=True))
    patient = details.patient_name or details.name
    sentences = [sentence for span in spans for sentence in _sentences(patient, span, found, seen)]
    stamp = _stamp(spans, found)
    return OtherVisits(patient, sentences, stamp, is_accepted=sent.get(ALL_THE_SAME) == stamp)


def _sentences(patient: str, span: Span, visits: Sequence[Appointment], seen: set[int]) -> list[SafeString]:
    """One for each visit that is theirs to see, and one for all others together."""
    then = [visit for visit in visits if visit.span.overlaps(span)]
    theirs = [visit for visit in then if visit.pk in seen]
    says = format_html("{}: {} has another visit then", moment_words(span.start), bdi(patient))
    shown = [format_html("{}, {}.", says, _link_to(visit)) for visit in theirs]
    return shown if len(theirs) == len(then) else [*shown, format_html("{}.", says)]


def _link_to(visit: Appointment) -> SafeString:
    url = reverse("admin:booking_appointment_change", args=[visit.pk])
    times = f"{clock(visit.starts_at)} to {clock(visit.ends_at)}"
    state = visit.get_state_display().lower()
    return format_html('<a href="{}">{} with {}</a> ({})', url, times, bdi(visit.therapist.short_name), state)


def _stamp(spans: Sequence[Span], visits: Sequence[Appointment]) -> str:
    starts = [span.start.timestamp() for span in spans]
    return salted_hmac(ALL_THE_SAME, f"{starts} {Together(visits).version}").hexdigest()[:32]
