"""E-mail: write the Message row and its job in one transaction; compose the mail when it is sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from procrastinate import App
from procrastinate.contrib.django.django_connector import DjangoConnector

from booking.calendar_files import Method, calendar_file
from booking.models import (
    TO_STAFF,
    Appointment,
    Clinic,
    ContactRequest,
    Delivery,
    Kind,
    LostLink,
    Message,
    Offer,
    Therapist,
    WaitlistEntry,
    free_times,
    rules_of_the_list,
)

# For deferring only: it always writes through Django's own connection, so in its transaction. The
# library's shared app does not once a worker runs: there it has a pool of its own, which commits at once.
jobs = App(connector=DjangoConnector())

# Deferred by name: tasks import actions, never the other way.
SEND_TASK = "booking.tasks.send_message"
LOST_LINK_TASK = "booking.tasks.send_lost_links"
OFFER_TASK = "booking.tasks.offer_freed_times"

BEHIND_THE_CLOCK = -1
MOST_OTHER_TIMES = 3
CALENDAR_METHODS = {Kind.CONFIRMED: Method.REQUEST, Kind.MOVED: Method.REQUEST, Kind.CANCELLED: Method.CANCEL}


# ---- queue ----------------------------------------------------------------------------------


def queue_message(kind: Kind, about: Appointment | WaitlistEntry | Offer | ContactRequest) -> Message:
    """Write the message and its job in the caller's transaction: both are there, or neither.

    Without an address the row becomes a line for staff to phone, and no job is made.
    """
    recipient = Clinic.objects.current().notices_to if kind in TO_STAFF else _address_of(about)
    message = Message.objects.create(
        kind=kind,
        recipient=recipient,
        delivery=Delivery.QUEUED if recipient else Delivery.PLEASE_PHONE,
        **_reference(about),
    )
    if recipient:
        queue_sending(message)
    return message


def _address_of(about: Appointment | WaitlistEntry | Offer | ContactRequest) -> str:
    return about.recipient if isinstance(about, WaitlistEntry | Offer) else about.email


def _reference(about: Appointment | WaitlistEntry | Offer | ContactRequest) -> dict[str, Any]:
    """What the message is about, with the times as they are now."""
    if isinstance(about, Appointment):
        times = {"starts_at": about.starts_at, "ends_at": about.ends_at}
        return {"appointment": about, "sequence": about.calendar_sequence, **times}
    if isinstance(about, Offer):
        return {"offer": about, "starts_at": about.starts_at, "ends_at": about.ends_at}
    return {"entry": about} if isinstance(about, WaitlistEntry) else {"contact_request": about}


def queue_sending(message: Message) -> None:
    # After what the clock does each minute: a mail server that hangs must not hold up expiry and reminders.
    jobs.configure_task(SEND_TASK, priority=BEHIND_THE_CLOCK).defer(message_id=message.pk)


def queue_lost_link(lost_link: LostLink) -> None:
    jobs.configure_task(LOST_LINK_TASK).defer(lost_link_id=lost_link.pk)


def queue_offers() -> None:
    """Someone gave time back: look soon who waits for it."""
    jobs.configure_task(OFFER_TASK).defer(timestamp=0)


def drop_all_jobs() -> None:
    """Of a restored database: each is of a moment that has passed. What is on a clock is deferred anew."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


# ---- compose --------------------------------------------------------------------------------


def compose(message: Message) -> EmailMultiAlternatives:
    """The mail for a message, plain and HTML, with the times the message stored.

    A confirmed visit comes with its calendar file, as a part a mail reader acts on and as a file to
    open (RFC 6047): mixed(alternative(text, html, text/calendar), invite.ics).
    """
    clinic = Clinic.objects.current()
    context = {"clinic": clinic, "message": message, **_context(message, clinic)}
    folder = f"booking/email/{message.kind}"
    headers = {"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"}
    if message.kind in (Kind.JOINED, Kind.OFFER):  # RFC 8058: one click leaves the list
        headers["List-Unsubscribe"] = f"<{context['leave_url']}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    with timezone.override(clinic.zone):
        mail = EmailMultiAlternatives(
            subject=" ".join(render_to_string(f"{folder}/subject.txt", context).split()),
            body=render_to_string(f"{folder}/body.txt", context),
            to=[message.recipient],
            headers=headers,
        )
        mail.attach_alternative(render_to_string(f"{folder}/body.html", context), "text/html")
    _attach_calendar(mail, message, clinic)
    return mail


def _context(message: Message, clinic: Clinic) -> dict[str, Any]:
    if message.appointment is not None:
        return _visit_context(message, message.appointment, clinic)
    if message.contact_request is not None:
        return {"desk_url": _desk_url("contactrequest", message.contact_request.pk), "asked": message.contact_request}
    entry = message.entry or message.offer.entry  # type: ignore[union-attr]  # a CHECK says: one of the four is set
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
        context["others"] = _other_times(appointment, clinic)
    return context


def _desk_url(model: str, pk: int) -> str:
    return settings.SITE_URL + reverse(f"admin:booking_{model}_change", args=[pk])


def _other_times(appointment: Appointment, clinic: Clinic) -> list[tuple[datetime, str]]:
    """The next free times with that therapist as they are now, each with the address of its day."""
    now = timezone.now()
    therapist, service = appointment.therapist, appointment.service
    today = now.astimezone(clinic.zone).date()
    last = today + timedelta(days=service.horizon_days)
    offered = Therapist.objects.giving(service).filter(pk=therapist.pk)
    free = free_times(therapists=offered, service=service, first=today, last=last, now=now, zone=clinic.zone)
    path = settings.SITE_URL + reverse("booking:slots", args=[therapist.slug, service.slug])
    return [
        (start, f"{path}?from={start.astimezone(clinic.zone).date()}")
        for start in free.get(therapist.pk, [])[:MOST_OTHER_TIMES]
    ]


def _attach_calendar(mail: EmailMultiAlternatives, message: Message, clinic: Clinic) -> None:
    """Only what was agreed is in a calendar, and only what was is taken out again."""
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
