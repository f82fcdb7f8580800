"""States of a visit's page."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from booking.models import AffectedVisit, Appointment, Clinic, State
from revival.base.words import day_and_hour

from .page_state import PageState, phone_names

OTHER_TIMES = "booking/patients/_visit_other_times.html"
CHANGE = "booking/patients/_visit_change.html"

VISITS = {
    State.REQUESTED: PageState(
        title=_("Waiting for our answer: your visit"),
        heading=_("Thank you. We have your request"),
        lead=_(
            "We are holding this time for you. You don’t need to do anything: we’ll answer by e-mail. "
            "The link to this page comes by e-mail, too."
        ),
        lead_with_deadline=_(
            "We are holding this time for you. You don’t need to do anything: we’ll answer by e-mail by {answer_by}. "
            "The link to this page comes by e-mail, too."
        ),
        is_news=True,
        tag=_("Waiting for our answer"),
        next_step=CHANGE,
    ),
    State.CONFIRMED: PageState(
        title=_("Confirmed: your visit"),
        heading=_("Your visit is confirmed"),
        tag=_("Confirmed"),
        has_tick=True,
        next_step=CHANGE,
    ),
    State.CANCELLED: PageState(
        title=_("Cancelled: your visit"),
        heading=_("Your visit is cancelled"),
        lead=_(
            "Its time is free for others. You don’t need to do anything more. "
            '<a href="{book_url}">Book another visit</a> whenever you like.'
        ),
        is_news=True,
        tag=_("Cancelled"),
        is_over=True,
    ),
    State.DECLINED: PageState(
        title=_("Not possible: your visit"),
        heading=_("This time is not possible"),
        lead=_(
            'We’re sorry: we couldn’t give you this time. <a href="{book_url}">Choose another time</a>, '
            'or call <a class="nowrap" href="{phone_link}">{phone}</a> and we’ll find one together.'
        ),
        tag=_("Not possible"),
        is_over=True,
    ),
    State.EXPIRED: PageState(
        title=_("Not booked: your visit"),
        heading=_("This visit is not booked"),
        lead=_(
            "We’re sorry. We didn’t answer your request in time, so this visit is not booked. "
            'Please <a href="{book_url}">choose another time</a>, '
            'or call <a class="nowrap" href="{phone_link}">{phone}</a> and we’ll find one together.'
        ),
        tag=_("Not booked"),
        is_over=True,
    ),
}
REQUESTED_BY_PHONE = replace(
    VISITS[State.REQUESTED],
    lead=_(
        "We are holding this time for you. We can’t e-mail you about it today, so we’ll call you. "
        "Please keep the address of this page: it is the link to your visit."
    ),
    lead_with_deadline=_(
        "We are holding this time for you. We can’t e-mail you about it today, so we’ll call you by {answer_by}. "
        "Please keep the address of this page: it is the link to your visit."
    ),
)
OTHER_VISIT = PageState(title=_("Your visit"), heading=_("Your visit"))
"""States that only the desk needs to know, such as no-show."""

MOVED = replace(
    VISITS[State.CONFIRMED],
    title=_("Moved: your visit"),
    heading=_("Your visit is moved"),
    lead=_("It is now on {starts_at}. We’ll e-mail you the new time."),
    is_news=True,
    takes_focus=True,
)
MOVED_REQUEST = replace(
    MOVED,
    lead=_("It is now on {starts_at}. We’ll e-mail you the new time. We still have to answer your request."),
    lead_with_deadline=_(
        "It is now on {starts_at}. We’ll e-mail you the new time. "
        "We still have to answer your request: look for our e-mail by {answer_by}."
    ),
    tag=VISITS[State.REQUESTED].tag,
    has_tick=False,
)
MOVED_BY_PHONE = replace(
    MOVED, lead=_("It is now on {starts_at}. We can’t e-mail you about it today, so we’ll call you.")
)
MOVED_REQUEST_BY_PHONE = replace(
    MOVED_REQUEST,
    lead=_(
        "It is now on {starts_at}. We can’t e-mail you about it today, so we’ll call you, "
        "also with our answer to your request."
    ),
    lead_with_deadline=_(
        "It is now on {starts_at}. We can’t e-mail you about it today, so we’ll call you, "
        "also with our answer to your request by {answer_by}."
    ),
)
OUT = PageState(
    title=_("Please choose another time: your visit"),
    heading=_("Please choose another time"),
    lead=_(
        "We’re sorry: {therapist} cannot be there at this time, so please don’t come then. "
        "We’ll call you to find another time."
    ),
    tag=_("{therapist} is out then"),
    is_over=True,
    next_step=OTHER_TIMES,
)
OUT_WITH_HELD_TIME = replace(
    OUT,
    lead=_(
        "We’re sorry: {therapist} cannot be there at this time, so please don’t come then. "
        "We are holding another time for you."
    ),
)


def visit_state(
    visit: Appointment, clinic: Clinic, *, line: AffectedVisit | None, was_moved: bool, is_by_phone: bool
) -> PageState:
    """The row for a visit's page; `line` is its unsettled line when its therapist is out.

    `is_by_phone`: its last message could not be sent, and staff phone.
    """
    if line is not None:
        state = OUT_WITH_HELD_TIME if line.state == AffectedVisit.State.WAITING else OUT
    elif was_moved:
        state = _moved_state(visit, is_by_phone=is_by_phone)
    elif visit.state == State.REQUESTED and is_by_phone:
        state = REQUESTED_BY_PHONE
    else:
        state = VISITS.get(State(visit.state), OTHER_VISIT)
    return state.filled(
        **phone_names(clinic),
        therapist=visit.therapist.short_name,
        starts_at=day_and_hour(visit.starts_at),
        answer_by=visit.answer_by and day_and_hour(visit.answer_by),
    )


def _moved_state(visit: Appointment, *, is_by_phone: bool) -> PageState:
    if visit.state == State.REQUESTED:
        return MOVED_REQUEST_BY_PHONE if is_by_phone else MOVED_REQUEST
    return MOVED_BY_PHONE if is_by_phone else MOVED
