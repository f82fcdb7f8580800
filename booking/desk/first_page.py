"""Booking's panels on the desk's first page: requests, visits of today, holds, messages, what is not set up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.urls import reverse

from booking.desk.base.wording import HOLD_WORDS
from booking.desk.outages.board import open_outages
from booking.desk.set_up import no_clinic, not_set_up
from booking.models import (
    SEE_EVERY_PATIENT,
    Appointment,
    Audience,
    Clinic,
    ContactRequest,
    DaySheet,
    EmailChange,
    Message,
    Service,
    State,
    Terms,
    Therapist,
    WaitlistEntry,
    free_times,
)
from revival.base.clock import bounds_of_days
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.desk_parts.todo import ToDo

SOON = timedelta(hours=6)
MOST_IN_A_QUEUE = 50  # the page stays quick also on the morning after a thousand forged requests
MOST_FREE, LOOK_AHEAD_DAYS = 4, 14
SUBJECTS = ("appointment", "contact_request", "entry__visit", "offer__entry__visit", "outage_contact")
OUTAGE_VISITS = "outage_contact__visits__visit"

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Queue(Generic[Row]):
    """The first rows of a queue, and how many there are in all."""

    first: list[Row]
    count: int

    @classmethod
    def of(cls, rows: QuerySet[Row]) -> Queue[Row]:
        first = list(rows[: MOST_IN_A_QUEUE + 1])
        is_all = len(first) <= MOST_IN_A_QUEUE
        return cls(first[:MOST_IN_A_QUEUE], len(first) if is_all else rows.count())

    @property
    def more(self) -> int:
        return self.count - len(self.first)


NEXT_STEPS = {
    State.REQUESTED: ("confirm", "Confirm"),
    State.CONFIRMED: ("arrived", "Arrived"),
    State.ARRIVED: ("complete", "Completed"),
}
"""The button that comes next on the day of a visit, by state: its verb and its label."""


@dataclass(frozen=True)
class TodaysVisit:
    """A visit of today with its next step. "Arrived" is saved at once, the others ask once more."""

    visit: Appointment
    now: datetime

    @property
    def verb(self) -> str:
        return NEXT_STEPS.get(State(self.visit.state), ("", ""))[0]

    @property
    def label(self) -> str:
        return NEXT_STEPS.get(State(self.visit.state), ("", ""))[1]

    @property
    def is_saved_at_once(self) -> bool:
        return self.visit.state == State.CONFIRMED

    @property
    def can_be_no_show(self) -> bool:
        return self.visit.state == State.CONFIRMED and self.visit.starts_at <= self.now


def panels(now: datetime, signed_in: StaffUser | AnonymousUser) -> dict[str, object]:
    """Context of the panels: only the patients this user may see, and only the kinds of rows they may view."""
    user = cast(StaffUser, signed_in)  # the site lets nobody else in; Django's own signature cannot say so
    clinic = Clinic.objects.with_hours().first()
    if clinic is None:
        return {"now": now, "todo": [no_clinic()]}
    day = now.astimezone(clinic.zone).date()
    visits = _seen(Appointment, user).visits().select_related("therapist")
    contact_requests = _seen(ContactRequest, user).not_done().select_related("therapist", "taken_up_by")
    undelivered = _seen(Message, user).undelivered().select_related(*SUBJECTS).prefetch_related(OUTAGE_VISITS)
    return {
        "now": now,
        "soon": now + SOON,
        "waiting": Queue.of(visits.without_outage().waiting_for_answer()),
        "today": _todays_visits(visits, now, clinic),
        "may_answer": user.has_perm("booking.change_appointment"),
        "may_tell": user.has_perm("booking.change_message"),
        "may_reply": user.has_perm("booking.change_contactrequest"),
        "contact_requests": Queue.of(contact_requests),
        "outages": open_outages(user, now),
        "on_the_list": _seen(WaitlistEntry, user).waiting().count(),
        "is_joined": user.has_perm(SEE_EVERY_PATIENT) or Therapist.objects.owned_by(user).exists(),
        "todo": [*_day_sheet_refused(clinic, day), *not_set_up(clinic, day)],
        "new_emails": Queue.of(_new_emails(now, user)),
        "at_another_hour": Queue.of(visits.at_another_hour(now, clinic.zone)),
        "holds": _holds(now, user),
        "undelivered": Queue.of(undelivered),
        "free": _next_free(now, clinic, user) if user.has_perm("booking.change_appointment") else [],
    }


def _new_emails(now: datetime, user: StaffUser) -> QuerySet[EmailChange]:
    """New e-mail addresses that patients asked for, and that this user may confirm."""
    changes = EmailChange.objects.open(now).seen_by(user).select_related("visit__therapist")
    return changes if user.has_perm("booking.change_appointment") else changes.none()


def _seen(model: Any, user: StaffUser) -> Any:
    """The model's own QuerySet (hence `Any`) of the rows that this user may see."""
    can_view = user.has_perm(f"booking.view_{model._meta.model_name}")
    return model.objects.seen_by(user) if can_view else model.objects.none()


def _todays_visits(visits: QuerySet[Appointment], now: datetime, clinic: Clinic) -> list[TodaysVisit]:
    day = now.astimezone(clinic.zone).date()
    today = bounds_of_days(day, day, clinic.zone)
    rows = visits.filter(starts_at__gte=today.start, starts_at__lt=today.end)
    by_therapist = rows.order_by("therapist__order", "therapist__name", "therapist", "starts_at")
    return [TodaysVisit(visit, now) for visit in by_therapist]


def _holds(now: datetime, user: StaffUser) -> dict[str, object]:
    """Held times, each with what it is held for in words: offers, other times, and bookings just being typed."""
    live = _seen(Appointment, user).occupying(now).filter(state=State.HELD)
    queue: Queue[Appointment] = Queue.of(live.select_related("therapist", "service").order_by("held_until"))
    return {"first": [(hold, HOLD_WORDS[hold.held_for]) for hold in queue.first], "count": queue.count}


def _day_sheet_refused(clinic: Clinic, day: date) -> list[ToDo]:
    if not clinic.mails_day_sheet:
        return []
    refused = DaySheet.objects.filter(day__gte=day, delivery=DaySheet.Delivery.REFUSED)
    why = f"The mail server refused the one to {clinic.notices_to}. Print it here until that address is corrected."
    return [ToDo("Day sheet by e-mail", why, reverse("admin:day_sheet"))] if refused.exists() else []


def _next_free(now: datetime, clinic: Clinic, user: StaffUser) -> list[tuple[Therapist, Service, list[datetime]]]:
    """The next free times of each therapist, for a caller: the notice that patients give does not apply."""
    service = Service.objects.on_offer().first() or Service.objects.first()
    if service is None:
        return []
    therapists, zone = Therapist.objects.giving(service).seen_by(user), clinic.zone
    first = now.astimezone(zone).date()
    last = first + timedelta(days=LOOK_AHEAD_DAYS)
    terms = Terms.anew(service, Audience.STAFF)
    free = free_times(terms, therapists, first=first, last=last, now=now, zone=zone)
    return [(therapist, service, starts[:MOST_FREE]) for therapist, starts in free.items()]
