"""What the booking half shows on the desk's first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse

from booking.availability import bounds_of_days
from booking.models import (
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

from .outages import open_outages

SOON = timedelta(hours=6)
MOST_MESSAGES = MOST_HELD = 20
MOST_FREE, LOOK_AHEAD_DAYS = 4, 14
ABOUT = ("appointment", "contact_request", "entry__visit", "offer__entry__visit", "outage_contact")
OF_AN_OUTAGE = "outage_contact__visits__visit"


@dataclass(frozen=True)
class ToDo:
    what: str
    why: str
    url: str


def panels(now: datetime, user: Any) -> dict[str, Any]:
    """Of patients only what this person may see, and nothing of a kind that they may not."""
    clinic = Clinic.objects.first()
    if clinic is None:
        return {"now": now, "todo": []}
    day = now.astimezone(clinic.zone).date()
    today = bounds_of_days(day, day, clinic.zone)
    visits = _seen(Appointment, user).visits().select_related("therapist")
    return {
        "now": now,
        "soon": now + SOON,
        "waiting": visits.without_outage().waiting_for_answer(),
        "today": visits.filter(starts_at__gte=today.start, starts_at__lt=today.end).order_by("starts_at"),
        "may_answer": user.has_perm("booking.change_appointment"),
        "may_reply": user.has_perm("booking.change_contactrequest"),
        "asked": _seen(ContactRequest, user).not_done().select_related("therapist", "taken_up_by"),
        "out": open_outages(user, now),
        "on_the_list": _seen(WaitlistEntry, user).waiting().count(),
        "todo": [*_day_sheet_refused(clinic, day), *_not_set_up(clinic)],
        "held": _held(now, user),
        "undelivered": _seen(Message, user)
        .undelivered()
        .select_related(*ABOUT)
        .prefetch_related(OF_AN_OUTAGE)[:MOST_MESSAGES],
        "free": _next_free(now, clinic, user) if user.has_perm("booking.change_appointment") else [],
    }


def _held(now: datetime, user: Any) -> list[Appointment]:
    """Times kept for someone who has to answer, and those that patients are typing for just now."""
    live = _seen(Appointment, user).occupying(now).filter(state=State.HELD)
    return list(live.select_related("therapist", "service").order_by("held_until")[:MOST_HELD])


def _day_sheet_refused(clinic: Clinic, day: date) -> list[ToDo]:
    if not clinic.mails_day_sheet:
        return []
    refused = DaySheet.objects.filter(day__gte=day, delivery=DaySheet.Delivery.REFUSED)
    why = f"The mail server refused the one to {clinic.notices_to}. Print it from the calendar until that is mended."
    return [ToDo("Day sheet by e-mail", why, _change(clinic))] if refused.exists() else []


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


def _undelivered(user: Any) -> Any:
    rows = _seen(Message, user).undelivered().select_related(*ABOUT)
    return rows.prefetch_related(OF_AN_OUTAGE)[:MOST_MESSAGES]


def _seen(model: Any, user: Any) -> Any:
    may_look = user.has_perm(f"booking.view_{model._meta.model_name}")
    return model.objects.seen_by(user) if may_look else model.objects.none()


def _not_set_up(clinic: Clinic) -> list[ToDo]:
    clinic_form = reverse("admin:booking_clinic_change", args=[clinic.pk])
    left_out = "Left out of every page until set."
    found = [
        ToDo(what, left_out, clinic_form)
        for what, fact in (("Opening hours", clinic.opening_hours), ("Address", clinic.address))
        if not fact
    ]
    if not clinic.notices_to:
        found.append(ToDo("E-mail for staff notices", "Requests show only here until set.", clinic_form))
    if Shift.objects.filter(is_example=True).exists():
        shifts = reverse("admin:booking_shift_changelist")
        found.append(ToDo("Working hours", "These are example hours, not the clinic’s.", shifts))
    if Service.objects.filter(is_example=True).exists():
        services = reverse("admin:booking_service_changelist")
        found.append(ToDo("Services", "These are examples, not the clinic’s.", services))
    found += [
        ToDo(f"About {therapist.short_name}", "The page says only the name.", _change(therapist))
        for therapist in Therapist.objects.filter(about="")
    ]
    found += [
        ToDo(block.title, "Awaiting clinical approval.", _change(block))
        for model in (UrgentHelp, Caution)
        for block in model.objects.filter(approved_on__isnull=True)
    ]
    return found


def _change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
