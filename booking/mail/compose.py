"""Compose e-mails from message rows: subject, plain text, HTML and calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from booking.models import (
    TO_STAFF,
    Appointment,
    Clinic,
    DaySheet,
    Kind,
    Message,
    OutageContact,
    Service,
    Therapist,
    free_times,
    rules_of_the_list,
)
from revival.base.clock import Span

from .calendar_files import Method, calendar_file, series_file
from .queue import OtherTime

PRIVATE_LINKS = ("visit_url", "entry_url", "leave_url", "answer_url")
PRIVATE_LINK = "[their private link]"
MOST_OTHER_TIMES = 3
CALENDAR_METHODS = {Kind.CONFIRMED: Method.REQUEST, Kind.MOVED: Method.REQUEST, Kind.CANCELLED: Method.CANCEL}


def compose(message: Message) -> EmailMultiAlternatives:
    """The mail for a message, plain and HTML, with the times the message stored.

    A confirmed visit comes with its calendar file, as a part a mail reader acts on and as a file to
    open (RFC 6047): mixed(alternative(text, html, text/calendar), invite.ics).
    """
    clinic = Clinic.objects.current()
    context = {"clinic": clinic, "message": message, **_context(message, clinic)}
    headers = {"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"}
    if message.kind in (Kind.JOINED, Kind.OFFER):  # RFC 8058: one click leaves the list
        headers["List-Unsubscribe"] = f"<{context['leave_url']}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail = _mail(message.kind, context, to=message.recipient, headers=headers)
    _attach_calendar(mail, message, clinic)
    return mail


def compose_day_sheet(
    sheet: DaySheet, clinic: Clinic, lists: list[tuple[Therapist, list[Appointment]]], now: datetime
) -> EmailMultiAlternatives:
    """Times, therapists, first names and phones, and nothing else of anyone."""
    address = settings.SITE_URL + reverse("admin:day_sheet") + f"?day={sheet.day.isoformat()}"
    context = {"clinic": clinic, "sheet": sheet, "lists": lists, "now": now, "desk_url": address}
    headers = {"Message-ID": sheet.message_id, "Auto-Submitted": "auto-generated"}
    return _mail("day-sheet", context, to=sheet.recipient, headers=headers)


def _mail(folder: str, context: dict[str, Any], *, to: str, headers: dict[str, str]) -> EmailMultiAlternatives:
    subject, body = _words(folder, context)
    mail = EmailMultiAlternatives(subject=subject, body=body, to=[to], headers=headers)
    with timezone.override(context["clinic"].zone):
        mail.attach_alternative(render_to_string(f"booking/mail/{folder}/body.html", context), "text/html")
    return mail


def _words(kind: str, context: dict[str, Any]) -> tuple[str, str]:
    """Subject and plain text: a page that shows them must escape them, whatever the template engine calls them."""
    with timezone.override(context["clinic"].zone):
        subject = " ".join(render_to_string(f"booking/mail/{kind}/subject.txt", context).split())
        return subject, "".join(render_to_string(f"booking/mail/{kind}/body.txt", context))


def preview(
    kind: Kind, visit: Appointment, *, starts_at: datetime | None = None, suggested: Sequence[OtherTime] = ()
) -> tuple[str, str]:
    """Subject and text of what a patient would get, for staff to read before they act; without the private link.

    `starts_at` is where the visit would go, `suggested` what would be offered in its place.
    """
    start = starts_at or visit.starts_at
    message = Message(kind=kind, appointment=visit, starts_at=start, ends_at=start + visit.service.length)
    message.suggested = [time.as_kept() for time in suggested]
    return to_tell(message)


def to_tell(message: Message) -> tuple[str, str]:
    """Subject and text of a message, for staff to say on the phone: a private link is no word for that."""
    clinic = Clinic.objects.current()
    context = {"clinic": clinic, "message": message, **_context(message, clinic)}
    context |= {name: PRIVATE_LINK for name in PRIVATE_LINKS if name in context}
    context["together"] = [(visit, PRIVATE_LINK) for visit, _ in context.get("together", ())]
    return _words(message.kind, context)


def _context(message: Message, clinic: Clinic) -> dict[str, Any]:
    if message.appointment is not None:
        return _visit_context(message, message.appointment, clinic)
    if message.contact_request is not None:
        return {"desk_url": _desk_url("contactrequest", message.contact_request.pk), "asked": message.contact_request}
    if message.outage_contact is not None:
        return _outage_context(message.outage_contact)
    entry = message.entry or message.offer.entry  # type: ignore[union-attr]  # a CHECK says: one of the five is set
    return {
        "entry": entry,
        "offer": message.offer,
        "entry_url": settings.SITE_URL + entry.get_absolute_url(),
        "leave_url": settings.SITE_URL + reverse("booking:leave", args=[entry.token]),
        **rules_of_the_list(),
    }


def _visit_context(message: Message, appointment: Appointment, clinic: Clinic) -> dict[str, Any]:
    context: dict[str, Any] = {
        "appointment": appointment,
        "visit_url": settings.SITE_URL + appointment.get_absolute_url(),
        "book_url": settings.SITE_URL + reverse("booking:choose"),
        "desk_url": _desk_url("appointment", appointment.pk),
    }
    if message.kind == Kind.STAFF_NOTICE:  # what it is about is what the patient was told just before
        told = appointment.messages.filter(pk__lt=message.pk).exclude(kind__in=TO_STAFF)
        context["news"] = told.order_by("pk").last()
    if message.kind in (Kind.DECLINED, Kind.EXPIRED):
        chosen = [OtherTime.kept(row) for row in message.suggested]
        context["others"] = _other_times(appointment, clinic, chosen)
    together = _together(message)
    context["together"] = [(visit, settings.SITE_URL + visit.get_absolute_url()) for visit in together]
    context["cut_off_hours"] = settings.BOOKING_CHANGE_CUT_OFF_HOURS
    context["change_until"] = _change_until(message.starts_at or appointment.starts_at)
    return context


def _change_until(starts_at: datetime) -> datetime | None:
    """Until when the private link still moves or cancels; None when that has passed, as for a visit of today."""
    until = starts_at - timedelta(hours=settings.BOOKING_CHANGE_CUT_OFF_HOURS)
    return until if timezone.now() < until else None


def _together(message: Message) -> list[Appointment]:
    """The visits that one message tells of: a series booked or lost, as it stands now; one cancelled, as it was."""
    if message._state.adding:  # a preview, of one visit
        return []
    visits = message.visits.all()
    if message.kind in (Kind.SERIES, Kind.LOST_LINK):
        visits = visits.coming(timezone.now())
    return visits.in_order()


def _outage_context(contact: OutageContact) -> dict[str, Any]:
    """Their visits as they are when the message leaves: who has settled one meanwhile is not asked about it."""
    now = timezone.now()
    lines = list(contact.visits.open().filter(visit__starts_at__gt=now).in_order())
    return {
        "outage": contact.outage,
        "lines": [(line, line.is_held(now)) for line in lines],
        "first_until": min((line.until for line in lines if line.until and line.is_held(now)), default=None),
        "standing": contact.still_valid(now),
        "answer_url": settings.SITE_URL + contact.get_absolute_url(),
    }


def _desk_url(model: str, pk: int) -> str:
    return settings.SITE_URL + reverse(f"admin:booking_{model}_change", args=[pk])


def _other_times(
    appointment: Appointment, clinic: Clinic, chosen: list[OtherTime]
) -> list[tuple[datetime, Therapist, str]]:
    """The chosen times that are free now, else those with that therapist nearest to the one asked for.

    Each comes with the address of its day. Of the time asked for, which is free again by now, nothing is offered.
    """
    now, service = timezone.now(), appointment.service
    today = now.astimezone(clinic.zone).date()
    last = today + timedelta(days=service.horizon_days)
    giving = {therapist.pk: therapist for therapist in Therapist.objects.giving(service)}
    free = free_times(therapists=giving.values(), service=service, first=today, last=last, now=now, zone=clinic.zone)
    still = [time for time in chosen if time.starts_at in free.get(time.therapist_id, ())]
    asked, whole = Span(appointment.blocked.lower, appointment.blocked.upper), service.length + service.turnaround
    near = sorted(free.get(appointment.therapist_id, ()), key=lambda start: abs(start - appointment.starts_at))
    elsewhere = [start for start in near if not Span(start, start + whole).overlaps(asked)]
    nearest = [OtherTime(appointment.therapist_id, start) for start in sorted(elsewhere[:MOST_OTHER_TIMES])]
    return [
        (time.starts_at, giving[time.therapist_id], _day_url(giving[time.therapist_id], service, time, clinic))
        for time in (still or nearest)[:MOST_OTHER_TIMES]
    ]


def _day_url(therapist: Therapist, service: Service, time: OtherTime, clinic: Clinic) -> str:
    path = reverse("booking:slots", args=[therapist.slug, service.slug])
    return f"{settings.SITE_URL}{path}?from={time.starts_at.astimezone(clinic.zone).date()}"


def _attach_calendar(mail: EmailMultiAlternatives, message: Message, clinic: Clinic) -> None:
    """Only what was agreed is in a calendar, and only what was is taken out again."""
    if message.kind in (Kind.SERIES, Kind.SERIES_CANCELLED):
        _attach_calendars(mail, message, clinic)
        return
    method, visit = CALENDAR_METHODS.get(Kind(message.kind)), message.appointment
    if method is None or visit is None or message.starts_at is None or message.ends_at is None:
        return
    if visit.confirmed_at is None or visit.confirmed_at > message.created_at:
        return
    content = calendar_file(
        visit,
        clinic=clinic,
        method=method,
        sequence=message.sequence,
        starts_at=message.starts_at,
        ends_at=message.ends_at,
        stamp=message.created_at,
    )
    mail.attach_alternative(content.decode(), f"text/calendar; method={method}")
    mail.attach("invite.ics", content, "application/ics")


def _attach_calendars(mail: EmailMultiAlternatives, message: Message, clinic: Clinic) -> None:
    """A series is one file to open: published, since an invitation is to one event. Cancelled, each visit has a
    file of its own (RFC 5546, 3.2.5). Never as a part beside the text: mail readers take one event from that."""
    visits = _together(message)
    if message.kind == Kind.SERIES:
        mail.attach("visits.ics", series_file(visits, clinic=clinic), "application/ics")
        return
    for number, visit in enumerate(visits, start=1):
        content = calendar_file(
            visit,
            clinic=clinic,
            method=Method.CANCEL,
            sequence=visit.calendar_sequence,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            stamp=visit.ended_at or message.created_at,
        )
        mail.attach(f"cancelled-{number}.ics", content, "application/ics")
