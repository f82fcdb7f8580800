"""States of the pages where a time is chosen, once the chosen one cannot be had."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from booking import actions
from booking.models import Therapist
from revival.base.words import clock, day_words

from .causes import why_words
from .page_state import PageState

TimeRefused = actions.SlotTakenError | actions.NotOfferedError

# ---- booking --------------------------------------------------------------------------------

TAKEN = PageState(
    title=_("That time has just been taken"),
    heading=_("That time has just been taken"),
    lead=_('Someone else now has {day} <span class="nowrap">at {hour}</span>, {zone}.'),
)
TAKEN_WITH_THERAPIST = replace(
    TAKEN, lead=_('Someone else now has {day} <span class="nowrap">at {hour}</span>, {zone}, with {therapist}.')
)
NOT_OFFERED = PageState(
    title=_("That time can’t be booked"),
    heading=_("That time can’t be booked"),
    lead=_('{day} <span class="nowrap">at {hour}</span>, {zone}, is not, or no longer, among the free times.'),
)
NOT_OFFERED_OF_THERAPIST = replace(
    NOT_OFFERED,
    lead=_(
        '{day} <span class="nowrap">at {hour}</span>, {zone}, '
        "is not, or no longer, among the free times of {therapist}."
    ),
)
# A second sentence of the lead.
NOTHING_LOST = _("You have lost nothing: choose another below.")
NOTHING_LOST_DETAILS_KEPT = _("Nothing is lost: <strong>what you typed is kept</strong>.")
DETAILS_KEPT = _("<strong>What you typed is kept</strong>.")


def booking_state(
    refusal: TimeRefused, *, start: datetime, zone: str, therapist: Therapist | None, has_details: bool
) -> PageState:
    """The state of the page for a time that was refused; `has_details` once the details form has been sent."""
    if isinstance(refusal, actions.SlotTakenError):
        state = TAKEN_WITH_THERAPIST if therapist else TAKEN
        rest = str(NOTHING_LOST_DETAILS_KEPT if has_details else NOTHING_LOST)
    else:
        state = NOT_OFFERED_OF_THERAPIST if therapist else NOT_OFFERED
        rest = f"{{why}} {DETAILS_KEPT if has_details else ''}"
    state = replace(state, lead=f"{state.lead} {rest}")
    name, why = therapist.short_name if therapist else "", why_words(refusal.why)
    return state.filled(day=day_words(start), hour=clock(start), zone=zone, therapist=name, why=why)


# ---- moving a visit -------------------------------------------------------------------------

MOVE = PageState(heading=_("Move your visit"))
MOVE_TAKEN = replace(
    TAKEN,
    lead=_(
        'Someone else now has {day} <span class="nowrap">at {hour}</span>. Nothing is lost: '
        "your visit is still as below. Choose another time, or keep it."
    ),
)
MOVE_NOT_OFFERED = replace(
    NOT_OFFERED,
    lead=_(
        '{day} <span class="nowrap">at {hour}</span> is not, or no longer, among the free times. {why} '
        "Your visit is still as below."
    ),
)


def moving_state(refusal: actions.RefusalError | None, start: datetime | None) -> PageState:
    """The state of the page for moving a visit, where `start` was refused or nothing has been chosen yet."""
    if start is None:
        return MOVE
    state = MOVE_TAKEN if isinstance(refusal, actions.SlotTakenError) else MOVE_NOT_OFFERED
    why = why_words(refusal.why) if isinstance(refusal, TimeRefused) else ""
    return state.filled(day=day_words(start), hour=clock(start), why=why)
