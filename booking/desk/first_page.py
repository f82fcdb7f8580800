"""What the booking half shows on the desk's first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.text import capfirst

from booking.desk.outages.board import open_outages
from booking.models import (
    SEE_EVERY_PATIENT,
    Appointment,
    Caution,
    Clinic,
    ContactRequest,
    DaySheet,
    Message,
    Service,
    Shift,
    State,
    Therapist,
    UrgentHelp,
    WaitlistEntry,
    free_times,
)
from revival.base.clock import bounds_of_days
from revival.base.todo import ToDo

SOON = timedelta(hours=6)
MOST_IN_A_QUEUE = 50  # a page that everybody opens first stays quick, also on the morning after a thousand odd requests
MOST_FREE, LOOK_AHEAD_DAYS = 4, 14
ABOUT = ("appointment", "contact_request", "entry__visit", "offer__entry__visit", "outage_contact")
ADD_CLINIC = "booking.add_clinic"
OF_AN_OUTAGE = "outage_contact__visits__visit"


@dataclass(frozen=True)
class Queue:
    """The first of those who wait, and how many there are."""

    first: list[Any]
    count: int

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> Queue:
        first = list(rows[: MOST_IN_A_QUEUE + 1])
        is_all = len(first) <= MOST_IN_A_QUEUE
        return cls(first[:MOST_IN_A_QUEUE], len(first) if is_all else rows.count())

    @property
    def more(self) -> int:
        return self.count - len(self.first)


def panels(now: datetime, user: Any) -> dict[str, Any]:
    """Of patients only what this person may see, and nothing of a kind that they may not."""
    clinic = Clinic.objects.first()
    if clinic is None:
        return {"now": now, "todo": [_no_clinic()]}
    day = now.astimezone(clinic.zone).date()
    today = bounds_of_days(day, day, clinic.zone)
    visits = _seen(Appointment, user).visits().select_related("therapist")
    by_therapist = ("therapist__order", "therapist__name", "therapist", "starts_at")
    return {
        "now": now,
        "soon": now + SOON,
        "waiting": Queue.of(visits.without_outage().waiting_for_answer()),
        "today": visits.filter(starts_at__gte=today.start, starts_at__lt=today.end).order_by(*by_therapist),
        "may_answer": user.has_perm("booking.change_appointment"),
        "may_tell": user.has_perm("booking.change_message"),
        "may_reply": user.has_perm("booking.change_contactrequest"),
        "asked": Queue.of(_seen(ContactRequest, user).not_done().select_related("therapist", "taken_up_by")),
        "out": open_outages(user, now),
        "on_the_list": _seen(WaitlistEntry, user).waiting().count(),
        "is_joined": user.has_perm(SEE_EVERY_PATIENT) or Therapist.objects.owned_by(user).exists(),
        "todo": [*_day_sheet_refused(clinic, day), *_not_set_up(clinic, day)],
        "held": _held(now, user),
        "undelivered": Queue.of(
            _seen(Message, user).undelivered().select_related(*ABOUT).prefetch_related(OF_AN_OUTAGE)
        ),
        "free": _next_free(now, clinic, user) if user.has_perm("booking.change_appointment") else [],
    }


def _held(now: datetime, user: Any) -> Queue:
    """Times kept for someone who has to answer, and those that patients are typing for just now."""
    live = _seen(Appointment, user).occupying(now).filter(state=State.HELD)
    return Queue.of(live.select_related("therapist", "service").order_by("held_until"))


def _day_sheet_refused(clinic: Clinic, day: date) -> list[ToDo]:
    if not clinic.mails_day_sheet:
        return []
    refused = DaySheet.objects.filter(day__gte=day, delivery=DaySheet.Delivery.REFUSED)
    why = f"The mail server refused the one to {clinic.notices_to}. Print it here until that address is mended."
    return [ToDo("Day sheet by e-mail", why, reverse("admin:day_sheet"))] if refused.exists() else []


def _next_free(now: datetime, clinic: Clinic, user: Any) -> list[tuple[Therapist, Service, list[datetime]]]:
    """For the caller on the line: with whom and when, without the notice that patients give."""
    service = Service.objects.on_offer().first()
    if service is None:
        return []
    giving = list(Therapist.objects.giving(service).seen_by(user))
    first = now.astimezone(clinic.zone).date()
    last = first + timedelta(days=LOOK_AHEAD_DAYS)
    free = free_times(therapists=giving, service=service.for_staff(), first=first, last=last, now=now, zone=clinic.zone)
    return [(therapist, service, free[therapist.pk][:MOST_FREE]) for therapist in giving]


def _seen(model: Any, user: Any) -> Any:
    may_look = user.has_perm(f"booking.view_{model._meta.model_name}")
    return model.objects.seen_by(user) if may_look else model.objects.none()


def _not_set_up(clinic: Clinic, day: date) -> list[ToDo]:
    """Each leads to where it is mended, and is gone once it is."""
    therapists = list(Therapist.objects.all())
    only_a_name = "The page says only the name; a few sentences do."
    blocks: list[Any] = [
        *UrgentHelp.objects.filter(approved_on__isnull=True),
        *Caution.objects.filter(approved_on__isnull=True),
    ]
    return [
        *_facts_missing(clinic),
        *_hours_missing(therapists, day),
        *_services_missing(),
        *(_item(f"About {one.short_name}", only_a_name, one) for one in therapists if not one.about),
        *(_item(block.title, "Awaiting clinical approval.", block) for block in blocks),
    ]


def _no_clinic() -> ToDo:
    return ToDo("The clinic", "Its name and phone come first.", reverse("admin:booking_clinic_add"), ADD_CLINIC)


def _facts_missing(clinic: Clinic) -> list[ToDo]:
    """All on one form, so one line."""
    facts = {"address": clinic.address, "opening hours": clinic.opening_hours}
    missing = [what for what, fact in facts.items() if not fact]
    why = ["Left out of every page until set."] if missing else []
    if not clinic.notices_to:
        missing.append("e-mail for staff notices")
        why.append("Requests show only here until there is an e-mail address for notices.")
    return [_item(capfirst(", ".join(missing)), " ".join(why), clinic)] if missing else []


def _hours_missing(therapists: list[Therapist], day: date) -> list[ToDo]:
    """Whose hours are the example's still, without an end, or who has none of their own from today on."""
    holding = Shift.objects.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day))
    shifts = set(holding.values_list("therapist", "is_example", "valid_until"))
    examples = {therapist for therapist, is_example, until in shifts if is_example and until is None}
    own = {therapist for therapist, is_example, _ in shifts if not is_example}
    why = {True: "Example hours. Change them, or save them as they are.", False: "None yet, so nobody can book."}
    return [
        ToDo(
            f"Working hours of {one.short_name}",
            why[one.pk in examples],
            reverse("admin:week_hours", args=[one.slug]),
            "booking.change_shift",
        )
        for one in therapists
        if one.is_taking_patients and (one.pk in examples or one.pk not in own)
    ]


def _services_missing() -> list[ToDo]:
    services = list(Service.objects.all())
    if not services:
        add = reverse("admin:booking_service_add")
        return [ToDo("Services", "None yet, so nobody can book.", add, "booking.add_service")]
    why = "An example service. Change it, or save it as it is."
    return [_item(f"Service: {one.name}", why, one) for one in services if one.is_example]


def _item(what: str, why: str, row: Any) -> ToDo:
    """Mended on the row's own form, from which one is led back here."""
    return ToDo(what, why, _change(row) + "?to=today", f"booking.change_{row._meta.model_name}")


def _change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
