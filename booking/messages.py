"""E-mail: write the Message row and its job in one transaction; compose the mail when it is sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from procrastinate import App
from procrastinate.contrib.django.django_connector import DjangoConnector

from booking.models import Appointment, Clinic, Delivery, Kind, LostLink, Message, Therapist, free_times

# For deferring only: it always writes through Django's own connection, so in its transaction. The
# library's shared app does not once a worker runs: there it has a pool of its own, which commits at once.
jobs = App(connector=DjangoConnector())

# Deferred by name: tasks import actions, never the other way.
SEND_TASK = "booking.tasks.send_message"
LOST_LINK_TASK = "booking.tasks.send_lost_links"

MOST_OTHER_TIMES = 3


def queue_message(kind: Kind, appointment: Appointment) -> Message:
    """Write the message and its job in the caller's transaction: both are there, or neither.

    Without an address the row becomes a line for staff to phone, and no job is made.
    """
    recipient = Clinic.objects.current().notices_to if kind == Kind.STAFF_NOTICE else appointment.email
    message = Message.objects.create(
        kind=kind,
        appointment=appointment,
        recipient=recipient,
        sequence=appointment.calendar_sequence,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        delivery=Delivery.QUEUED if recipient else Delivery.PLEASE_PHONE,
    )
    if recipient:
        jobs.configure_task(SEND_TASK).defer(message_id=message.pk)
    return message


def queue_lost_link(lost_link: LostLink) -> None:
    jobs.configure_task(LOST_LINK_TASK).defer(lost_link_id=lost_link.pk)


def compose(message: Message) -> EmailMultiAlternatives:
    """The mail for a message, plain and HTML, with the times the message stored."""
    appointment = message.appointment
    clinic = Clinic.objects.current()
    context = {
        "clinic": clinic,
        "message": message,
        "appointment": appointment,
        "visit_url": settings.SITE_URL + appointment.get_absolute_url(),
        "book_url": settings.SITE_URL + reverse("booking:choose"),
        "desk_url": settings.SITE_URL + reverse("admin:booking_appointment_change", args=[appointment.pk]),
    }
    if message.kind == Kind.STAFF_NOTICE:  # what it is about is what the patient was told just before
        told = appointment.messages.filter(pk__lt=message.pk).exclude(kind=Kind.STAFF_NOTICE)
        context["news"] = told.order_by("pk").last()
    if message.kind in (Kind.DECLINED, Kind.EXPIRED):
        context["others"] = _other_times(appointment, clinic)
    folder = f"booking/email/{message.kind}"
    with timezone.override(clinic.zone):
        mail = EmailMultiAlternatives(
            subject=" ".join(render_to_string(f"{folder}/subject.txt", context).split()),
            body=render_to_string(f"{folder}/body.txt", context),
            to=[message.recipient],
            headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string(f"{folder}/body.html", context), "text/html")
    return mail


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
