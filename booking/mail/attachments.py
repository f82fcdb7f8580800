"""Attach calendar files to the mails about agreed visits."""

from __future__ import annotations

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from booking.models import Clinic, Message

from .calendar_files import Method, calendar_file, series_file


def attach_invitation(mail: EmailMultiAlternatives, message: Message, clinic: Clinic) -> None:
    _attach_visit(mail, message, clinic, Method.REQUEST)


def attach_cancellation(mail: EmailMultiAlternatives, message: Message, clinic: Clinic) -> None:
    _attach_visit(mail, message, clinic, Method.CANCEL)


def _attach_visit(mail: EmailMultiAlternatives, message: Message, clinic: Clinic, method: Method) -> None:
    """The visit as a part that mail readers act on, and as a file to open (RFC 6047).

    Only an agreed visit is in a calendar, so nothing is attached for one that was not agreed when the message was
    written.
    """
    visit = message.appointment
    if visit is None or message.starts_at is None or message.ends_at is None:
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


def attach_series(mail: EmailMultiAlternatives, message: Message, clinic: Clinic) -> None:
    """One file with the visits still to come, published, since an invitation is to one event.

    Never as a part beside the text: mail readers take one event from that.
    """
    visits = message.visits.coming(timezone.now()).in_order()
    mail.attach("visits.ics", series_file(visits, clinic=clinic), "application/ics")


def attach_series_cancellations(mail: EmailMultiAlternatives, message: Message, clinic: Clinic) -> None:
    """One file for each cancelled visit (RFC 5546, 3.2.5)."""
    for number, visit in enumerate(message.visits.in_order(), start=1):
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
