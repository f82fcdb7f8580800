"""Appointment: the only rows that occupy time. The database itself keeps two from meeting."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils import timezone

from revival.base.clock import Span

from .hours import FAR_FUTURE
from .people import WithPeople, digits_of, only_digits
from .series import Series
from .therapists import Service, Therapist


class State(models.TextChoices):
    HELD = "held", "Held"
    REQUESTED = "requested", "Requested"
    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    ARRIVED = "arrived", "Arrived"
    COMPLETED = "completed", "Completed"
    NO_SHOW = "no-show", "No-show"


OCCUPYING = (State.HELD, State.REQUESTED, State.CONFIRMED, State.ARRIVED)
"""States whose rows keep others out of their time."""


class HeldFor(models.TextChoices):
    PATIENT = "patient", "A patient who is typing"
    OFFER = "offer", "A waiting-list offer"
    ALTERNATIVE = "alternative", "Another time offered by staff"


def link_token(public_id: uuid.UUID, version: int) -> str:
    """The private part of a visit's address: base64url(HMAC-SHA256(LINK_KEY, id and version)), 43 characters.

    Derived and never stored, so each mail and each repeated POST give the same address, and
    nothing at rest opens a visit.
    """
    digest = hmac.digest(settings.LINK_KEY.encode(), f"{public_id}:{version}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_digest(token: str) -> str:
    """What the row keeps of its link, for look-up: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _epoch(name: str) -> Func:
    return Func(Value("epoch"), F(name), function="date_part", output_field=models.FloatField())


class AppointmentQuerySet(WithPeople["Appointment"]):
    names = ("name", "patient_name")

    def occupying(self, now: datetime) -> AppointmentQuerySet:
        """Rows that keep others out at `now`; a hold whose time is over does not."""
        return self.filter(state__in=OCCUPYING).exclude(state=State.HELD, held_until__lte=now)

    def touching(self, span: Span) -> AppointmentQuerySet:
        return self.filter(blocked__overlap=DateTimeTZRange(span.start, span.end))

    def blocked_spans(self) -> Iterator[tuple[int, Span]]:
        """Therapist id and blocked time of each row; read as numbers, since ranges take eight times as long."""
        rows = self.order_by().values_list("therapist", _epoch("starts_at"), _epoch("blocked__endswith"))
        for therapist_id, start, end in rows:
            yield therapist_id, Span(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))

    def dead_holds(self, now: datetime) -> AppointmentQuerySet:
        return self.filter(state=State.HELD, held_until__lte=now)

    def never_booked(self) -> AppointmentQuerySet:
        """Holds that ended without details: they never were a visit."""
        return self.filter(state=State.EXPIRED, submission_key__isnull=True, name="")

    def visits(self) -> AppointmentQuerySet:
        """What staff and patients call a visit: everything that got details."""
        return self.exclude(state=State.HELD).exclude(state=State.EXPIRED, submission_key__isnull=True, name="")

    def waiting_for_answer(self) -> AppointmentQuerySet:
        return self.filter(state=State.REQUESTED).order_by("answer_by")

    def in_order(self) -> list[Appointment]:
        return list(self.select_related("therapist", "service").order_by("starts_at"))

    def coming(self, now: datetime) -> AppointmentQuerySet:
        return self.filter(state__in=(State.REQUESTED, State.CONFIRMED), starts_at__gt=now)

    def of_person(self, *, name: str, email: str, phone: str) -> AppointmentQuerySet:
        """Online visits under the same name with the same e-mail address or the same digits of a phone."""
        digits = digits_of(phone)
        same_phone = Q(phone_digits=digits) if digits else Q(pk__in=[])
        same_email = Q(email__iexact=email) if email else Q(pk__in=[])
        rows = self.filter(is_online=True, name__iexact=name).annotate(phone_digits=only_digits("phone"))
        return rows.filter(same_email | same_phone)

    def rest_of(self, visit: Appointment, now: datetime) -> AppointmentQuerySet:
        """What is still to come of this visit's series, from this visit on."""
        series = visit.series_id or 0  # none has number 0
        return self.coming(now).filter(series=series, starts_at__gte=visit.starts_at)

    def unanswered(self, now: datetime) -> AppointmentQuerySet:
        """Requests whose time for an answer is over; those of a therapist who is out only once they have begun."""
        over = self.filter(state=State.REQUESTED, answer_by__lte=now)
        return over.filter(~Q(self._on_a_board()) | Q(starts_at__lte=now))

    def staff_to_be_reminded(self, now: datetime) -> AppointmentQuerySet:
        """Requests that still have no answer when half of the time for it is over."""
        return self.filter(state=State.REQUESTED, remind_staff_at__lte=now).without_outage()

    def with_outage(self) -> AppointmentQuerySet:
        """Each says as `is_out` whether its therapist is out and nobody has settled it yet."""
        return self.annotate(is_out=self._on_a_board())

    def without_outage(self) -> AppointmentQuerySet:
        return self.filter(~Q(self._on_a_board()))

    @staticmethod
    def _on_a_board() -> Exists:
        from .outages import AffectedVisit  # outages point at appointments, so not at the top

        return Exists(AffectedVisit.objects.open().filter(visit=OuterRef("pk")))

    def to_be_reminded(self, now: datetime, *, ahead: timedelta, until: timedelta) -> AppointmentQuerySet:
        """Confirmed visits that begin within `ahead` but not within `until`, and were agreed at this time before."""
        agreed_at = Greatest("confirmed_at", "moved_at")  # the later of the two that are set
        coming = self.filter(state=State.CONFIRMED).without_outage()  # else it would be as if nothing were
        soon = coming.filter(starts_at__gt=now + until, starts_at__lte=now + ahead)
        return soon.annotate(agreed_at=agreed_at).filter(
            Q(agreed_at__isnull=True) | Q(agreed_at__lte=F("starts_at") - ahead)
        )

    def with_token(self, token: str) -> AppointmentQuerySet:
        return self.filter(link_digest=token_digest(token))


class Appointment(models.Model):
    """A visit asked for or agreed. Never deleted, only ended (a hold that never got details excepted)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    link_version = models.PositiveSmallIntegerField(default=1)
    link_digest = models.CharField(max_length=64)

    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="appointments")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="appointments")
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked = DateTimeRangeField(help_text="From the start to the end of the turnaround; written by actions.")

    series = models.ForeignKey(Series, on_delete=models.PROTECT, null=True, blank=True, related_name="visits")
    held_until = models.DateTimeField(null=True, blank=True)
    held_for = models.CharField(max_length=11, choices=HeldFor, blank=True)
    is_override = models.BooleanField(default=False, help_text="Booked past the rules on purpose.")
    override_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    override_reason = models.CharField(max_length=200, blank=True)

    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField("e-mail", max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    patient_name = models.CharField("who the visit is for", max_length=120, blank=True)
    is_new_patient = models.BooleanField("first visit", null=True, blank=True)
    note = models.TextField(max_length=1000, blank=True)
    cancel_reason = models.CharField("reason for cancelling", max_length=300, blank=True)
    consent_version = models.CharField(max_length=20, blank=True)
    came_from = models.CharField("came from article", max_length=80, blank=True)
    is_online = models.BooleanField("booked online", default=True)
    anonymised_at = models.DateTimeField(null=True, blank=True)

    submission_key = models.UUIDField(null=True, blank=True, unique=True)
    submission_digest = models.CharField(max_length=64, blank=True)
    calendar_sequence = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(default=timezone.now)
    requested_at = models.DateTimeField(null=True, blank=True)
    answer_by = models.DateTimeField(null=True, blank=True)
    remind_staff_at = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        verbose_name = "visit"
        permissions = [("see_every_patient", "Can see the patients of every therapist, not only their own")]
        indexes = [
            models.Index(fields=["starts_at"], name="booking_appointment_by_start"),
            # What is in the way: the constraint's own index leaves out visits booked past the rules.
            GistIndex(fields=["blocked"], condition=Q(state__in=OCCUPYING), name="booking_appointment_in_the_way"),
            # The dead holds that every booking ends first: without it, each reads its therapist's whole past.
            models.Index(
                fields=["therapist", "held_until"], condition=Q(state=State.HELD), name="booking_appointment_held"
            ),
        ]
        constraints = [
            # Not unique=True: Django adds a second index to that, for LIKE, as large as the first.
            models.UniqueConstraint(fields=["link_digest"], name="booking_appointment_link_once"),
            ExclusionConstraint(
                name="booking_appointment_never_two_at_once",
                expressions=[("therapist", RangeOperators.EQUAL), ("blocked", RangeOperators.OVERLAPS)],
                condition=Q(state__in=OCCUPYING, is_override=False),
                violation_error_message="The therapist has another visit at that time.",
            ),
            models.CheckConstraint(
                name="booking_appointment_state_is_known",
                condition=Q(state__in=State.values),
                violation_error_message="Choose one of the states.",
            ),
            models.CheckConstraint(
                name="booking_appointment_starts_before_it_ends",
                condition=Q(starts_at__lt=F("ends_at")),
                violation_error_message="A visit ends after it starts.",
            ),
            models.CheckConstraint(
                name="booking_appointment_blocks_its_own_time",
                condition=Q(
                    blocked__isempty=False,
                    blocked__lower_inc=True,
                    blocked__upper_inc=False,
                    blocked__lower_inf=False,
                    blocked__upper_inf=False,
                    blocked__startswith=F("starts_at"),
                    blocked__endswith__gte=F("ends_at"),
                    blocked__endswith__lt=FAR_FUTURE,
                ),
                violation_error_message="The blocked time runs from the start to at least the end of the visit.",
            ),
            models.CheckConstraint(
                name="booking_appointment_hold_has_an_end",
                condition=~Q(state=State.HELD) | (Q(held_until__isnull=False) & Q(held_for__in=HeldFor.values)),
                violation_error_message="A hold says until when and for whom.",
            ),
            models.CheckConstraint(
                name="booking_appointment_override_has_a_reason",
                condition=Q(is_override=False, override_by__isnull=True, override_reason="")
                | (Q(is_override=True, override_by__isnull=False) & ~Q(override_reason="")),
                violation_error_message="Say who booked past the rules, and why.",
            ),
            models.CheckConstraint(
                name="booking_appointment_series_is_booked_at_the_desk",
                condition=Q(series__isnull=True) | (Q(is_online=False) & ~Q(state=State.HELD)),
                violation_error_message="Visits of a series are booked by staff, and agreed from the start.",
            ),
            models.CheckConstraint(
                name="booking_appointment_visit_has_a_name",
                condition=Q(state__in=(State.HELD, State.EXPIRED)) | ~Q(name="") | Q(anonymised_at__isnull=False),
                violation_error_message="A visit has a name.",
            ),
        ]

    def __str__(self) -> str:
        return f"Visit {str(self.public_id)[:8]}"  # no name: this text reaches logs and titles

    def get_absolute_url(self) -> str:
        return reverse("booking:visit", args=[self.token])

    @property
    def token(self) -> str:
        return link_token(self.public_id, self.link_version)

    @property
    def person(self) -> Appointment:
        """Where name, e-mail address and phone are kept."""
        return self

    @property
    def first_name(self) -> str:
        """What is called out in the waiting room: of whom the visit is for."""
        return next(iter((self.patient_name or self.name).split()), "")

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)

    @property
    def is_hold(self) -> bool:
        """Held, or a hold that ran out before it got details: it may still become a visit."""
        return self.state == State.HELD or (
            self.state == State.EXPIRED and self.submission_key is None and not self.name
        )

    @property
    def is_coming(self) -> bool:
        return self.state in (State.REQUESTED, State.CONFIRMED)

    def can_be_changed_online(self, now: datetime) -> bool:
        return self.is_coming and now <= self.change_until

    @property
    def change_until(self) -> datetime:
        """The last moment at which the patient can cancel online."""
        return self.starts_at - timedelta(hours=settings.BOOKING_CHANGE_CUT_OFF_HOURS)

    @property
    def outage(self) -> Any:
        """Its line on the board when its therapist is out and nobody has settled it yet; else None."""
        rows: Any = self.affected
        return rows.open().select_related("contact", "outage").first()

    def forget_patient(self, now: datetime) -> None:
        """Take the person out of the row and close the private link; the visit itself stays (not saved)."""
        self.name = self.email = self.phone = self.patient_name = self.note = self.cancel_reason = self.came_from = ""
        self.is_new_patient, self.submission_digest = None, ""
        self.anonymised_at = now
        self.link_version += 1
        self.renew_link()

    def put_at(self, *, therapist: Therapist, service: Service, starts_at: datetime) -> None:
        """Set therapist, service and the three columns of time together (not saved)."""
        self.therapist, self.service, self.starts_at = therapist, service, starts_at
        self.ends_at = starts_at + service.length
        self.blocked = DateTimeTZRange(starts_at, self.ends_at + service.turnaround)

    def renew_link(self) -> None:
        """Write the digest that opens the present link version (not saved)."""
        self.link_digest = token_digest(self.token)
