"""States of the page of a place on the waiting list."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from booking import actions
from booking.models import Clinic, Offer, WaitlistEntry
from revival.base.words import day_and_hour

from .causes import why_words
from .page_state import PageState, phone_names

OFFER = PageState(title=_("A time is free for you"), next_step="booking/patients/_offer.html")

LOST = PageState(
    title=_("That time is gone"),
    heading=_("That time can no longer be booked"),
    lead=_("We held {held_time}, {zone}, for you until {until}. {why} Nothing was changed. You stay on the list."),
    next_step="booking/patients/_see_free_times.html",
)
LOST_WITH_VISIT = replace(
    LOST,
    lead=_(
        "We held {held_time}, {zone}, for you until {until}. {why} Nothing was changed, and you still have your visit. "
        "You stay on the list."
    ),
)
LOST_TO_SOMEONE = _("That time has gone to someone else")

WAITING = PageState(
    title=_("On the waiting list"),
    heading=_("We’ll tell you when a time opens"),
    tag=_("On the waiting list"),
    has_tick=True,
    next_step="booking/patients/_place_on_the_list.html",
)
WAITING_WITH_VISIT = replace(WAITING, heading=_("We’ll tell you when an earlier time opens"))

BOOKED = PageState(
    title=_("Waiting list"),
    heading=_("You took a time from the list"),
    lead=_("Your visit is in the e-mail we sent. You are no longer on the list."),
)
BOOKED_WITH_LINK = replace(BOOKED, lead=_('<a href="{visit_url}">See your visit</a>. You are no longer on the list.'))
LEFT = PageState(
    title=_("Waiting list"),
    heading=_("You have left the waiting list"),
    lead=_('We won’t write to you about it again. <a href="{book_url}">Book a visit</a> whenever you like.'),
)
LEFT_WITH_VISIT = replace(
    LEFT,
    lead=_(
        "We won’t write to you about it again. Your visit stays as it is. "
        '<a href="{book_url}">Book a visit</a> whenever you like.'
    ),
)
VISIT_OVER = PageState(
    title=_("Waiting list"),
    heading=_("You are no longer on the list"),
    lead=_(
        "The visit that you wanted earlier is cancelled or over, so we’ve stopped looking. "
        '<a href="{book_url}">Book another visit</a> whenever you like, '
        'or call <a class="nowrap" href="{phone_link}">{phone}</a>.'
    ),
)
DAYS_OVER = PageState(
    title=_("Waiting list"),
    heading=_("The days you chose are over"),
    lead=_(
        'We’re sorry, no time opened that suited you. <a href="{book_url}">See the free times</a>, '
        'or call <a class="nowrap" href="{phone_link}">{phone}</a> and we’ll find one together.'
    ),
)


def waitlist_state(
    entry: WaitlistEntry,
    clinic: Clinic,
    *,
    offer: Offer | None,
    taken: Offer | None,
    lost: Offer | None,
    refusal: actions.RefusalError | None,
) -> PageState:
    """The state of an entry's page. `taken` led to a visit; `lost` was just asked for, too late, and `refusal` why."""
    if lost is not None:
        return _lost(entry, clinic, lost, refusal)
    if offer is not None:
        return OFFER
    visit_url = taken.hold.get_absolute_url() if taken and taken.hold and not taken.hold.anonymised_at else ""
    return _without_offer(entry, has_link=bool(visit_url)).filled(**phone_names(clinic), visit_url=visit_url)


def _without_offer(entry: WaitlistEntry, *, has_link: bool) -> PageState:
    if entry.state == WaitlistEntry.State.WAITING:
        return WAITING_WITH_VISIT if entry.visit else WAITING
    if entry.state == WaitlistEntry.State.BOOKED:
        return BOOKED_WITH_LINK if has_link else BOOKED
    if entry.state == WaitlistEntry.State.LEFT:
        return LEFT_WITH_VISIT if entry.visit else LEFT
    return VISIT_OVER if entry.visit and not entry.visit.is_coming else DAYS_OVER


def _lost(entry: WaitlistEntry, clinic: Clinic, lost: Offer, refusal: actions.RefusalError | None) -> PageState:
    state = LOST_WITH_VISIT if entry.visit else LOST
    if isinstance(refusal, actions.SlotTakenError):
        state = replace(state, heading=LOST_TO_SOMEONE)
    why = why_words(refusal.why) if isinstance(refusal, actions.NotOfferedError) else ""
    held_time, until = day_and_hour(lost.starts_at), day_and_hour(lost.until)
    return state.filled(held_time=held_time, until=until, zone=clinic.zone_name, why=why)
