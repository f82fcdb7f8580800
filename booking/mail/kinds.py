"""The table of message kinds: one row holds what queueing, composing and delivering need to know about a kind.

To add a kind, name it in `booking.models.Kind`, give it a row here, and add its three templates; a test holds that
each kind has them. Two facts stand beside `Kind` instead, because the database layer needs them: which kinds go to
staff, and not to the patient (TO_STAFF), and when reminders leave (REMINDERS).

Before, what is known of a kind was spread over seven places. Alternatives weighed on 2026-11-30: a class for each kind,
sixteen files for what is mostly data; everything in the model, where the database layer would have to know mail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.mail import EmailMultiAlternatives

from booking.models import Appointment, Clinic, ContactRequest, Kind, Message, Offer, OutageContact, WaitlistEntry
from booking.models.messages import About, MessageQuerySet

from . import attachments, context, stale


@dataclass(frozen=True, kw_only=True)
class MessageKind:
    about: tuple[type[About], ...]
    """The models a message of this kind may be about."""
    folder: str
    """Of its templates subject.txt, body.txt and body.html, in templates/booking/mail/."""
    context: Callable[[Message, Clinic], context.Context]
    """What its templates can name beside `common_context`."""
    is_stale: Callable[[Message, MessageQuerySet, datetime], bool]
    """The rule that keeps a queued message from being sent; see `stale`."""
    attach_calendar: Callable[[EmailMultiAlternatives, Message, Clinic], None] | None = None
    overtakes: bool = True
    """Whether it makes earlier messages about the same visit stale."""
    has_unsubscribe: bool = False
    """Whether one click in the mail reader leaves the list (RFC 8058); its context has a `leave_url`."""


KINDS: dict[Kind, MessageKind] = {
    Kind.REQUESTED: MessageKind(
        about=(Appointment,),
        folder="requested",
        context=context.visit_context,
        is_stale=stale.is_overtaken,
    ),
    Kind.CONFIRMED: MessageKind(
        about=(Appointment,),
        folder="confirmed",
        context=context.new_place_context,
        is_stale=stale.is_overtaken,
        attach_calendar=attachments.attach_invitation,
    ),
    Kind.DECLINED: MessageKind(
        about=(Appointment,),
        folder="declined",
        context=context.refused_visit_context,
        is_stale=stale.is_overtaken,
    ),
    Kind.MOVED: MessageKind(
        about=(Appointment,),
        folder="moved",
        context=context.new_place_context,
        is_stale=stale.is_overtaken,
        attach_calendar=attachments.attach_invitation,
    ),
    Kind.EXPIRED: MessageKind(
        about=(Appointment,),
        folder="expired",
        context=context.refused_visit_context,
        is_stale=stale.is_overtaken,
    ),
    Kind.CANCELLED: MessageKind(
        about=(Appointment,),
        folder="cancelled",
        context=context.visit_context,
        is_stale=stale.never_stale,
        attach_calendar=attachments.attach_cancellation,
    ),
    Kind.REMINDER_DAY: MessageKind(
        about=(Appointment,),
        folder="reminder-day",
        context=context.visit_context,
        is_stale=stale.is_reminder_stale,
    ),
    Kind.REMINDER_HOURS: MessageKind(
        about=(Appointment,),
        folder="reminder-hours",
        context=context.visit_context,
        is_stale=stale.is_reminder_stale,
    ),
    Kind.LOST_LINK: MessageKind(
        about=(Appointment,),
        folder="lost-link",
        context=context.coming_visits_context,
        is_stale=stale.never_stale,
        overtakes=False,
    ),
    Kind.SERIES: MessageKind(
        about=(Appointment,),
        folder="series",
        context=context.coming_visits_context,
        is_stale=stale.is_series_over,
        attach_calendar=attachments.attach_series,
    ),
    Kind.SERIES_CANCELLED: MessageKind(
        about=(Appointment,),
        folder="series-cancel",
        context=context.cancelled_visits_context,
        is_stale=stale.never_stale,
        attach_calendar=attachments.attach_series_cancellations,
    ),
    Kind.JOINED: MessageKind(
        about=(WaitlistEntry,),
        folder="joined",
        context=context.entry_context,
        is_stale=stale.has_stopped_waiting,
        has_unsubscribe=True,
    ),
    Kind.OFFER: MessageKind(
        about=(Offer,),
        folder="offer",
        context=context.offer_context,
        is_stale=stale.is_offer_over,
        has_unsubscribe=True,
    ),
    Kind.OUTAGE: MessageKind(
        about=(OutageContact,),
        folder="outage",
        context=context.outage_context,
        is_stale=stale.is_outage_answered,
    ),
    Kind.OUTAGE_STANDS: MessageKind(
        about=(OutageContact,),
        folder="outage-stands",
        context=context.outage_context,
        is_stale=stale.has_no_standing_visit,
    ),
    Kind.EMAIL_CHANGE: MessageKind(
        about=(Appointment,),
        folder="email-change",
        context=context.email_change_context,
        is_stale=stale.is_email_change_over,
        overtakes=False,
    ),
    Kind.STAFF_NOTICE: MessageKind(
        about=(Appointment, ContactRequest),
        folder="staff-notice",
        context=context.staff_notice_context,
        is_stale=stale.never_stale,
        overtakes=False,
    ),
    Kind.STAFF_REMINDER: MessageKind(
        about=(Appointment,),
        folder="staff-reminder",
        context=context.visit_context,
        is_stale=stale.is_request_over,
        overtakes=False,
    ),
}


def kind_of(message: Message) -> MessageKind:
    return KINDS[Kind(message.kind)]
