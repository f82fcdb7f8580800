"""AffectedVisit: a visit whose therapist is out, and what becomes of it. OutageContact: its patient.

Why a visit keeps its state and its time until someone has decided: the patient has it in a calendar, and
may not read e-mail today. If we cancelled it at once, they would come to a closed clinic; if we moved it at
once, to a time they never agreed to. So the visit stays as it was, an AffectedVisit says beside it that its
therapist is out, and each page and message about the visit says so, too. It leaves that state by one step
only: the patient takes the held time or another one, cancels, or staff settle it by phone. Staff phone a
patient who does not answer, and the visit stays on the board until somebody has spoken with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone

from .appointments import Appointment
from .hours import Absence
from .links import PrivateLink, WithPrivateLink
from .outages import Outage
from .states import COMING, State
from .therapists import Service, Therapist


def phone_notice() -> timedelta:
    """Patients whose visit is sooner than this are phoned: they may read an e-mail too late."""
    return timedelta(hours=settings.BOOKING_OUTAGE_NEAR_HOURS)


class Bucket(models.TextChoices):
    """The parts of an outage's board: each affected visit is in one of them."""

    TO_PHONE = "to-phone", "To phone"
    WAITING = "waiting", "Waiting for an answer"
    ANSWERED = "answered", "Answered"
    AS_PLANNED = "as-planned", "As planned"


class OutageContactQuerySet(WithPrivateLink, models.QuerySet["OutageContact"]):
    def of_visits(self, visits: Iterable[Appointment | int]) -> OutageContactQuerySet:
        """The patients of these visits (rows, or their ids), in every outage."""
        return self.filter(pk__in=AffectedVisit.objects.filter(visit__in=visits).values("contact"))


class OutageContact(PrivateLink):
    """One patient of an outage, with a private page about all their visits in it; their name is on those visits."""

    link_purpose = "outage"

    outage = models.ForeignKey(Outage, on_delete=models.CASCADE, related_name="contacts")

    objects = OutageContactQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Patient {str(self.public_id)[:8]} of an outage"  # no name: this text reaches logs and titles

    def get_absolute_url(self) -> str:
        return reverse("booking:instead", args=[self.token])

    @property
    def person(self) -> Appointment:
        """Where name, e-mail address and phone are kept."""
        rows = sorted(self.visits.all(), key=lambda line: line.pk)
        return max((line.visit for line in rows), key=lambda visit: (bool(visit.email), bool(visit.phone)))

    @property
    def recipient(self) -> str:
        return self.person.email

    def still_valid(self, now: datetime) -> list[AffectedVisit]:
        """Their visits that take place after all, for the message that says so."""
        rows = self.visits.filter(state__in=STANDING, visit__starts_at__gt=now)
        coming = rows.filter(visit__state__in=COMING)
        return list(coming.select_related("visit__therapist", "visit__service").order_by("visit__starts_at"))


class AffectedVisitQuerySet(models.QuerySet["AffectedVisit"]):
    def open(self) -> AffectedVisitQuerySet:
        """Nobody has decided yet."""
        return self.filter(state__in=UNSETTLED)

    def to_phone(self, now: datetime) -> AffectedVisitQuerySet:
        """Waiting for an answer that will not come: the time for it is over, or the held time can no longer be kept.

        The latter also when the therapist of the held time is away by now, or does not give the service any more.
        """
        away = Absence.objects.filter(
            Q(therapist=OuterRef("therapist")) | Q(therapist__isnull=True),
            starts_at__lt=OuterRef("ends_at"),
            ends_at__gt=OuterRef("starts_at"),
        )
        is_held = Q(until__gt=now, hold__state=State.HELD)
        pairs = Service.therapists.through.objects.filter(
            therapist=OuterRef("therapist"), service=OuterRef("visit__service")
        )
        is_lost = ~is_held | ~Q(Exists(pairs)) | Q(Exists(away))
        return self.filter(is_lost, state=AffectedVisit.State.WAITING)

    def with_delivery(self) -> AffectedVisitQuerySet:
        """Each says as `delivery` what became of the message that asked this patient."""
        from .messages import Kind, Message  # messages point at outages, so not at the top

        asked = Message.objects.filter(outage_contact=OuterRef("contact"), kind=Kind.OUTAGE).order_by("-pk")
        return self.annotate(delivery=Subquery(asked.values("delivery")[:1]))

    def in_order(self) -> AffectedVisitQuerySet:
        related = ("outage", "contact", "therapist", "hold", "settled_by", "reached_by")
        rows = self.select_related(*related, "visit__therapist", "visit__service")
        return rows.order_by("original_start", "pk")


class AffectedVisit(models.Model):
    """A visit whose therapist is out, and what became of it.

    `therapist`, `starts_at` and `ends_at` are the other time that is kept for the patient until `until`; the
    row that keeps it is `hold`, an appointment in state held.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for an answer"
        TO_PHONE = "to-phone", "To phone"
        ACCEPTED = "accepted", "Took the held time"
        OTHER_TIME = "other-time", "Chose another time"
        CANCELLED = "cancelled", "Cancelled"
        KEPT = "kept", "Takes place as planned"
        STANDS = "stands", "Stands: the therapist is there after all"

    class Why(models.TextChoices):
        NO_ADDRESS = "no-address", "No e-mail address"
        NEAR = "near", "Too soon for an e-mail"
        CHOSEN = "chosen", "By phone, as chosen"
        NO_TIME = "no-time", "No other time was found"
        NEW = "new", "Booked while the times were being chosen"
        NO_ANSWER = "no-answer", "Did not answer in time"
        TIME_LOST = "time-lost", "The held time cannot be kept"
        OLD_ADDRESS = "old-address", "Their e-mail address was corrected"

    outage = models.ForeignKey(Outage, on_delete=models.CASCADE, related_name="visits")
    visit = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="affected")
    contact = models.ForeignKey(OutageContact, on_delete=models.CASCADE, related_name="visits")
    original_start = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State)
    why = models.CharField(max_length=11, choices=Why, blank=True)

    hold = models.ForeignKey(Appointment, on_delete=models.SET_NULL, null=True, related_name="+")
    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, null=True, related_name="+")
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    reached_at = models.DateTimeField(null=True)
    reached_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = AffectedVisitQuerySet.as_manager()

    class Meta:
        ordering = ["original_start", "pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="booking_affected_visit_open_once",
                fields=["visit"],
                condition=Q(state__in=("waiting", "to-phone")),
                violation_error_message="This visit is on a board already.",
            ),
            models.UniqueConstraint(
                name="booking_affected_visit_once_an_outage",
                fields=["outage", "visit"],
                violation_error_message="This visit is on this board already.",
            ),
            models.CheckConstraint(
                name="booking_affected_visit_state_is_known",
                condition=Q(state__in=("waiting", "to-phone", "accepted", "other-time", "cancelled", "kept", "stands")),
                violation_error_message="Choose one of the states.",
            ),
            models.CheckConstraint(
                name="booking_affected_visit_waits_for_a_time",
                condition=~Q(state="waiting")
                | Q(therapist__isnull=False, starts_at__isnull=False, ends_at__isnull=False, until__isnull=False),
                violation_error_message="Who is asked to answer is offered a time, and told until when.",
            ),
            models.CheckConstraint(
                name="booking_affected_visit_to_phone_says_why",
                condition=~Q(state="to-phone") | ~Q(why=""),
                violation_error_message="Say why they have to be phoned.",
            ),
            models.CheckConstraint(
                name="booking_affected_visit_settled_says_when",
                condition=Q(state__in=("waiting", "to-phone"), settled_at__isnull=True)
                | (~Q(state__in=("waiting", "to-phone")) & Q(settled_at__isnull=False)),
                violation_error_message="What is settled says since when, and nothing else does.",
            ),
        ]

    def __str__(self) -> str:
        return f"Visit {self.visit_id} of outage {self.outage_id}"

    @property
    def is_open(self) -> bool:
        return self.state in UNSETTLED

    @property
    def version(self) -> str:
        """Whether it is settled, and how, and the visit's own. A time that is held no longer is no new version.

        A patient who answers late still gets that time if it is free.
        """
        return f"{'open' if self.is_open else self.state}.{self.visit.version}"

    def is_held(self, now: datetime) -> bool:
        """Whether the other time is still kept for them."""
        is_live = self.hold is not None and self.hold.state == State.HELD
        return self.is_open and is_live and self.until is not None and now < self.until

    def bucket(self, now: datetime) -> Bucket:
        """The one part of the board that shows it; needs `with_delivery`.

        Without an e-mail that has left or is about to, no answer can come, so the patient is to be phoned.
        """
        if not self.is_open:
            return Bucket.AS_PLANNED if self.state in STANDING else Bucket.ANSWERED
        from .messages import Delivery  # messages point at outages, so not at the top

        is_asked = getattr(self, "delivery", None) in (Delivery.QUEUED, Delivery.SENT)
        is_waiting = self.state == self.State.WAITING and is_asked and self.is_held(now)
        return Bucket.WAITING if is_waiting else Bucket.TO_PHONE

    def has_begun(self, now: datetime) -> bool:
        return self.visit.starts_at <= now

    def can_be_answered(self, now: datetime) -> bool:
        """Online: nobody has decided, and the time has not come yet."""
        return self.is_open and self.visit.is_coming and not self.has_begun(now)


UNSETTLED = (AffectedVisit.State.WAITING, AffectedVisit.State.TO_PHONE)
STANDING = (AffectedVisit.State.KEPT, AffectedVisit.State.STANDS)
