"""States of the page about all visits of one patient whose therapist is out, and of the card of each visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from booking import actions
from booking.models import AffectedVisit, Appointment, Clinic, Outage, State
from booking.models.affected_visits import STANDING
from revival.base.words import day_and_hour

from .causes import why_words
from .page_state import PageState, phone_names
from .visit import OTHER_VISIT, VISITS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

OUTAGE_OPEN = PageState(
    title=_("Please choose another time"),
    heading=_("We’re sorry, {therapist} will be out"),
    lead=_(
        "Your visit cannot take place as planned. Take the time we are holding for you, choose another one, or cancel. "
        "Until you choose, nothing is changed. If we don’t hear from you, we’ll call."
    ),
)
OUTAGE_OPEN_FOR_MANY = replace(
    OUTAGE_OPEN,
    lead=_(
        "These visits cannot take place as planned. Take the time we are holding for you, choose another one, "
        "or cancel. Until you choose, nothing is changed. If we don’t hear from you, we’ll call."
    ),
)
OUTAGE_WITHDRAWN = PageState(title=_("Your visits"), heading=_("{therapist} will be in after all"))
OUTAGE_SETTLED = PageState(title=_("Your visits"), heading=_("Thank you, everything is settled"))


def outage_state(outage: Outage, *, is_open: bool, visits: int) -> PageState:
    """The row for the page about all `visits` of one patient."""
    if is_open:
        state = OUTAGE_OPEN if visits == 1 else OUTAGE_OPEN_FOR_MANY
    else:
        state = OUTAGE_WITHDRAWN if outage.state == Outage.State.WITHDRAWN else OUTAGE_SETTLED
    return state.filled(therapist=outage.therapist.short_name)


# ---- the card of one visit ------------------------------------------------------------------

CARD_HELD = PageState(tag=_("<span>Held for you until {until}</span>"))
CARD_NO_LONGER_HELD = PageState(
    lead=_("We held {held_time} for you until {until}, and no longer do. Choose a time below, or wait for our call.")
)
CARD_TO_PHONE = PageState(lead=_("We’ll call you to find another time. You can also choose one here."))
CARD_BEGUN = PageState(
    lead=_(
        "The time of this visit has come. {therapist} is out: please don’t come, "
        'and call <a class="nowrap" href="{phone_link}">{phone}</a>. We’ll find another time together.'
    )
)
CARD_CANCELLED = replace(
    VISITS[State.CANCELLED],
    lead=_('You don’t need to do anything more. <a href="{book_url}">Book another visit</a> whenever you like.'),
)
CARD_AS_PLANNED = PageState(
    tag=_("Stays as it was"),
    has_tick=True,
    lead=_("Please come as planned: <strong>{starts_at}</strong> with {therapist_name}."),
)
CARD_AS_PLANNED_REQUEST = replace(
    CARD_AS_PLANNED,
    lead=_(
        "Please come as planned: <strong>{starts_at}</strong> with {therapist_name}. "
        "It is still a request: we’ll answer by e-mail."
    ),
    lead_with_deadline=_(
        "Please come as planned: <strong>{starts_at}</strong> with {therapist_name}. "
        "It is still a request: we’ll answer by e-mail by {answer_by}."
    ),
)
CARD_MOVED = PageState(
    tag=_("Moved"),
    has_tick=True,
    lead=_("Your visit is now: <strong>{starts_at}</strong> with {therapist_name}."),
)
CARD_MOVED_REQUEST = replace(
    CARD_MOVED,
    lead=_(
        "Your visit is now: <strong>{starts_at}</strong> with {therapist_name}. "
        "It is still a request: we’ll answer by e-mail."
    ),
    lead_with_deadline=_(
        "Your visit is now: <strong>{starts_at}</strong> with {therapist_name}. "
        "It is still a request: we’ll answer by e-mail by {answer_by}."
    ),
)


def answerable_card(line: AffectedVisit, *, is_held: bool) -> PageState:
    """The state of a visit that still waits for the patient's answer."""
    if line.until is None:
        return CARD_TO_PHONE
    state = CARD_HELD if is_held else CARD_NO_LONGER_HELD
    return state.filled(until=day_and_hour(line.until), held_time=line.starts_at and day_and_hour(line.starts_at))


def settled_card(line: AffectedVisit, clinic: Clinic, *, shows_link: bool) -> PageState:
    """The state of a visit about which the patient cannot decide any more.

    Its new time stands only beside the link to it: without, the page's reader may be someone else by now.
    """
    visit = line.visit
    if line.is_open:
        state = CARD_BEGUN
    elif line.state == AffectedVisit.State.CANCELLED:
        state = replace(CARD_CANCELLED, tag=_tag(visit))
    elif visit.is_coming:
        state = _coming_card(line)
        state = state if shows_link else replace(state, lead="", lead_with_deadline="")
    else:
        state = PageState(tag=_tag(visit))
    return state.filled(
        **phone_names(clinic),
        therapist=line.outage.therapist.short_name,
        therapist_name=visit.therapist.name,
        starts_at=day_and_hour(visit.starts_at),
        answer_by=visit.answer_by and day_and_hour(visit.answer_by),
    )


def _tag(visit: Appointment) -> StrOrPromise:
    return VISITS.get(State(visit.state), OTHER_VISIT).tag


def _coming_card(line: AffectedVisit) -> PageState:
    is_request = line.visit.state == State.REQUESTED
    if line.state in STANDING:
        return CARD_AS_PLANNED_REQUEST if is_request else CARD_AS_PLANNED
    return CARD_MOVED_REQUEST if is_request else CARD_MOVED


# ---- an answer that was refused -------------------------------------------------------------

TIME_TAKEN = _(
    "<strong>{time} has just been taken by someone else.</strong> "
    "You have lost nothing: choose another time below, or call us."
)
TIME_TAKEN_OTHER_HELD = _(
    "<strong>{time} has just been taken by someone else.</strong> We are still holding the other time for you."
)
TIME_NOT_OFFERED = _(
    "<strong>{time} can no longer be booked.</strong> {why} "
    "You have lost nothing: choose another time below, or call us."
)
CHANGED = _("<strong>This visit was changed a moment ago.</strong> Below is how it stands now.")
BEGUN = _("<strong>This visit has begun, so it cannot be changed here.</strong> Please call us.")


def refused_answer(refusal: actions.RefusalError, start: datetime | None, *, is_held: bool) -> SafeString:
    """Why the answer was refused; `start` is the time the patient chose, if any."""
    if isinstance(refusal, actions.SlotTakenError):
        text = TIME_TAKEN_OTHER_HELD if is_held else TIME_TAKEN
    elif isinstance(refusal, actions.StateChangedError):
        text = CHANGED
    else:
        text = TIME_NOT_OFFERED if start else BEGUN
    why = why_words(refusal.why) if isinstance(refusal, actions.NotOfferedError) else ""
    return format_html(str(text), time=day_and_hour(start) if start else "", why=why)
