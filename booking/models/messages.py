"""Message: one e-mail to one person, with its kind and its delivery state."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from revival.base.mail import Mail

from .affected_visits import AffectedVisit, OutageContact
from .appointments import Appointment
from .contact import ContactRequest
from .owned_rows import OwnOnly
from .therapists import Therapist
from .waitlist import Offer, WaitlistEntry

LONGEST_WAIT = timedelta(minutes=10)


def _one_of(*fields: str) -> Q:
    """Exactly one of these columns is set."""
    alone = [Q(**{f"{other}__isnull": other != field for other in fields}) for field in fields]
    return reduce(or_, alone)


class Kind(models.TextChoices):
    REQUESTED = "requested", "Request received"
    CONFIRMED = "confirmed", "Visit confirmed"
    DECLINED = "declined", "Request declined"
    MOVED = "moved", "Visit moved"
    EXPIRED = "expired", "Request not answered in time"
    CANCELLED = "cancelled", "Visit cancelled"
    REMINDER_DAY = "reminder-day", "Reminder, a day ahead"
    REMINDER_HOURS = "reminder-hours", "Reminder, two hours ahead"
    LOST_LINK = "lost-link", "Private link again"
    SERIES = "series", "Series of visits confirmed"
    SERIES_CANCELLED = "series-cancel", "Rest of a series cancelled"
    JOINED = "joined", "On the waiting list"
    OFFER = "offer", "A freed time offered"
    OUTAGE = "out", "Therapist is out"
    OUTAGE_STANDS = "stands", "Visit stands after all"
    EMAIL_CHANGE = "email-change", "New e-mail address to confirm"
    STAFF_NOTICE = "staff-notice", "Notice to staff"
    STAFF_REMINDER = "staff-reminder", "Staff reminded of a request"


About = Appointment | WaitlistEntry | Offer | ContactRequest | OutageContact
COLUMNS: dict[type[About], str] = {
    Appointment: "appointment",
    WaitlistEntry: "entry",
    Offer: "offer",
    ContactRequest: "contact_request",
    OutageContact: "outage_contact",
}
"""What a message can be about, and the column for it."""

TO_STAFF = (Kind.STAFF_NOTICE, Kind.STAFF_REMINDER)
HOUR = timedelta(hours=1)
REMINDERS = {Kind.REMINDER_DAY: (24 * HOUR, 2 * HOUR), Kind.REMINDER_HOURS: (2 * HOUR, 0 * HOUR)}
"""How long before the visit, in elapsed time, each reminder leaves, and until when it still makes sense."""


class Delivery(models.TextChoices):
    QUEUED = "queued", "Waiting to be sent"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by the mail server"
    OVERTAKEN = "overtaken", "Overtaken by a later message"
    PLEASE_PHONE = "please-phone", "Please phone"
    PHONED = "phoned", "Told by phone"


TOLD = (Delivery.SENT, Delivery.PHONED)
"""What the patient knows of."""


class MessageQuerySet(OwnOnly["Message"]):
    owners = (
        "appointment__therapist__account",
        *("entry__therapist__account", "entry__visit__therapist__account"),
        *("offer__entry__therapist__account", "offer__entry__visit__therapist__account"),
        "contact_request__therapist__account",
        "outage_contact__outage__therapist__account",
    )

    def undelivered(self) -> MessageQuerySet:
        """Messages that staff must look at: refused, to be phoned, tried in vain so far, or waiting long.

        Once the visit has begun, there is nothing left to remind or call a patient of.
        """
        now = timezone.now()
        to_call = Q(delivery__in=(Delivery.REFUSED, Delivery.PLEASE_PHONE))
        is_stale = Q(kind__in=(*REMINDERS, Kind.STAFF_REMINDER)) | to_call & ~Q(kind__in=TO_STAFF)
        rows = self.exclude(kind__in=TO_STAFF, delivery=Delivery.PLEASE_PHONE)
        return rows.exclude(is_stale & self._has_begun(now)).filter(
            to_call
            | Q(delivery=Delivery.QUEUED, attempts__gt=0)
            | Q(delivery=Delivery.QUEUED, created_at__lt=now - LONGEST_WAIT)
        )

    @staticmethod
    def _has_begun(now: datetime) -> Q:
        """Whether the visit it is about has begun; of several, the last."""
        together = Appointment.objects.filter(told_together=OuterRef("pk"), starts_at__gt=now)
        affected = AffectedVisit.objects.filter(contact=OuterRef("outage_contact"), visit__starts_at__gt=now)
        return (
            (Q(appointment__starts_at__lte=now) & ~Q(Exists(together)))
            | Q(entry__visit__starts_at__lte=now)
            | Q(offer__starts_at__lte=now)
            | (Q(outage_contact__isnull=False) & ~Q(Exists(affected)))
        )

    def is_last_by_phone(self, visit: Appointment) -> bool:
        """Whether the patient's last message about this visit was not sent, and staff phone instead."""
        last = self.filter(appointment=visit).exclude(kind__in=TO_STAFF).order_by("-created_at").first()
        return last is not None and last.delivery in (Delivery.PLEASE_PHONE, Delivery.PHONED)


class LostLink(models.Model):
    """Request for private links by e-mail; deleted once the worker has looked up the address."""

    email = models.EmailField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Lost link {self.pk}"  # never the address: this text reaches logs


class Message(Mail):
    """E-mail to a patient or to staff: kind, recipient and the times as they were; never a rendered body or link."""

    kind = models.CharField(max_length=14, choices=Kind)
    # Exactly one of the five that are in COLUMNS is set.
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, null=True, related_name="messages")
    entry = models.ForeignKey(WaitlistEntry, on_delete=models.CASCADE, null=True, related_name="messages")
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, null=True, related_name="messages")
    contact_request = models.ForeignKey(ContactRequest, on_delete=models.CASCADE, null=True, related_name="messages")
    visits = models.ManyToManyField(
        Appointment, related_name="told_together", help_text="When it tells of several: all of them, the first as well."
    )
    outage_contact = models.ForeignKey(OutageContact, on_delete=models.CASCADE, null=True, related_name="messages")
    recipient = models.EmailField(max_length=254, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    suggested = models.JSONField(
        default=list, blank=True, help_text="Other times that staff chose for a declined request: therapist and start."
    )
    former_therapist = models.ForeignKey(
        Therapist,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whom the visit was with before, when this message tells of a move to another therapist.",
    )

    delivery = models.CharField(max_length=12, choices=Delivery, default=Delivery.QUEUED)
    last_answer = models.CharField(
        max_length=80,
        blank=True,
        help_text="The mail server’s code or the kind of fault, without personal data.",
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="booking_message_kind_is_known",
                condition=Q(kind__in=Kind.values),
                violation_error_message="Choose one of the kinds.",
            ),
            models.CheckConstraint(
                name="booking_message_is_about_one_thing",
                condition=_one_of(*COLUMNS.values()),
                violation_error_message="A message is about one visit, entry, offer, contact request or outage.",
            ),
            models.UniqueConstraint(
                name="booking_message_reminds_once",
                fields=["appointment", "kind", "starts_at"],
                condition=Q(kind__in=list(REMINDERS)),
                violation_error_message="This reminder was written before.",
            ),
            models.CheckConstraint(
                name="booking_message_delivery_is_known",
                condition=Q(delivery__in=Delivery.values),
                violation_error_message="Choose one of the delivery states.",
            ),
            models.CheckConstraint(
                name="booking_message_is_sent_to_someone",
                condition=~Q(recipient="") | ~Q(delivery=Delivery.SENT),
                violation_error_message="A sent message has a recipient.",
            ),
            models.CheckConstraint(
                name="booking_message_sent_says_when",
                condition=~Q(delivery=Delivery.SENT) | Q(sent_at__isnull=False),
                violation_error_message="A sent message says when it was sent.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({str(self.public_id)[:8]})"

    @property
    def subject(self) -> Appointment | WaitlistEntry | ContactRequest | OutageContact:
        """The one row it is about; for an offer, the waiting-list entry it was made to."""
        subject = self.appointment or self.contact_request or self.outage_contact
        return subject or (self.offer.entry if self.offer else self.entry)  # type: ignore[return-value]  # a CHECK

    @property
    def version(self) -> str:
        """What became of it, to whom it goes, and the visit it is about."""
        recipient = hashlib.sha256(self.recipient.encode()).hexdigest()[:12]
        return f"{self.delivery}.{recipient}.{self.appointment.version if self.appointment else ''}"

    @property
    def person(self) -> Appointment | WaitlistEntry | ContactRequest | None:
        """The row with the patient's `name` and `phone`: the visit, the entry or the visit it would move. None for
        staff."""
        if self.kind in TO_STAFF:
            return None
        return self.subject.person
