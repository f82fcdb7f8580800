"""Compose e-mails from message rows: subject, plain text, HTML and calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone

from booking.models import TO_STAFF, Appointment, Clinic, DaySheet, Kind, Message, Therapist

from .context import Context, TherapistsVisits, common_context, day_sheet_context
from .kinds import kind_of
from .other_times import OtherTime

PRIVATE_LINKS = ("visit_url", "entry_url", "leave_url", "answer_url", "confirm_url")
PRIVATE_LINK = "[their private link]"


def compose(message: Message) -> EmailMultiAlternatives:
    """The mail for a message, plain and HTML, with the times the message stored.

    A confirmed visit comes with its calendar file, as a part a mail reader acts on and as a file to
    open (RFC 6047): mixed(alternative(text, html, text/calendar), invite.ics). What a patient replies goes to the
    clinic's mailbox, when it has one.
    """
    clinic, kind = Clinic.objects.current(), kind_of(message)
    context = _context(message, clinic)
    mail = _mail(kind.folder, context, to=message.recipient)
    if message.kind not in TO_STAFF and clinic.email:
        mail.reply_to = [clinic.email]
    if kind.has_unsubscribe:  # RFC 8058: one click leaves the list
        mail.extra_headers["List-Unsubscribe"] = f"<{context['leave_url']}>"
        mail.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if kind.attach_calendar is not None:
        kind.attach_calendar(mail, message, clinic)
    return mail


def compose_day_sheet(
    sheet: DaySheet, clinic: Clinic, lists: TherapistsVisits, now: datetime
) -> EmailMultiAlternatives:
    """The day's times, therapists, first names and phones; nothing else about a patient."""
    with timezone.override(clinic.zone):
        context = day_sheet_context(sheet, clinic, lists, now)
    return _mail("day-sheet", context, to=sheet.recipient)


def preview(
    kind: Kind,
    visit: Appointment,
    *,
    starts_at: datetime | None = None,
    therapist: Therapist | None = None,
    suggested: Sequence[OtherTime] = (),
) -> tuple[str, str]:
    """Subject and text of what a patient would get, for staff to read before they act; without the private link.

    `starts_at` and `therapist` are where the visit would go, `suggested` what would be offered in its place.
    """
    start, there = starts_at or visit.starts_at, copy(visit)
    message = Message(kind=kind, appointment=there, starts_at=start, ends_at=start + visit.length)
    if therapist is not None and therapist != visit.therapist:
        there.therapist, message.former_therapist = therapist, visit.therapist
    message.suggested = [time.to_json() for time in suggested]
    return to_tell(message)


def to_tell(message: Message) -> tuple[str, str]:
    """Subject and text of a message, for staff to say on the phone; without the private link, which cannot be said."""
    context = _context(message, Clinic.objects.current())
    context |= {name: PRIVATE_LINK for name in PRIVATE_LINKS if name in context}
    context["together"] = [(*times, PRIVATE_LINK) for *times, _ in context.get("together", ())]
    return _subject_and_text(kind_of(message).folder, context)


def _context(message: Message, clinic: Clinic) -> Context:
    with timezone.override(clinic.zone):
        return {**common_context(message, clinic), **kind_of(message).context(message, clinic)}


def _mail(folder: str, context: Context, *, to: str) -> EmailMultiAlternatives:
    subject, body = _subject_and_text(folder, context)
    mail = EmailMultiAlternatives(subject=subject, body=body, to=[to])
    with timezone.override(context["clinic"].zone):
        mail.attach_alternative(render_to_string(f"booking/mail/{folder}/body.html", context), "text/html")
    return mail


def _subject_and_text(folder: str, context: Context) -> tuple[str, str]:
    """Plain `str`, no SafeString, although the template engine makes one: a page that shows them must escape them."""
    with timezone.override(context["clinic"].zone):
        subject = " ".join(render_to_string(f"booking/mail/{folder}/subject.txt", context).split())
        return subject, "".join(render_to_string(f"booking/mail/{folder}/body.txt", context))
