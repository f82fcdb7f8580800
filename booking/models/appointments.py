"""Appointment: the only rows that occupy time. The database itself keeps two from meeting."""

from __future__ import annotations

from datetime import datetime, timedelta
from datetime import timezone as fixed_offset
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from booking.people.names import name_key
from revival.base.clock import Span, utc_offset

from .appointment_queries import AppointmentQuerySet
from .clinic import Clinic
from .hours import FAR_FUTURE
from .links import PrivateLink
from .people import PEOPLE_INDEXES, KeyField, PersonKeys
from .series import Series
from .states import COMING, OCCUPYING, HeldFor, State
from .therapists import Service, Therapist
from .versions import VisitVersion

if TYPE_CHECKING:
    from .affected_visits import AffectedVisit


class Appointment(PersonKeys, PrivateLink):
    """A visit asked for or agreed. Never deleted, only ended (a hold that never got details excepted)."""

    link_purpose = "visit"
    # Unique by a constraint below: unique=True adds a second index, for LIKE, as large as the first.
    link_digest = models.CharField(max_length=64)

    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="appointments")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="appointments")
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked = DateTimeRangeField(help_text="From the start to the end of the turnaround; written by actions.")
    agreed_offset = models.SmallIntegerField(
        null=True,
        help_text="Minutes that the clinic’s clock is ahead of UTC at the start, by the rules when it was set.",
    )

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
    patient_name_key = KeyField(of="patient_name", normal_form=name_key)
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
    organizer = models.EmailField(
        max_length=254,
        blank=True,
        default="",
        db_default="",
        help_text="Who invites, in its calendar files: the clinic’s address when the visit was agreed, from then on.",
    )

    created_at = models.DateTimeField(default=timezone.now)
    requested_at = models.DateTimeField(null=True, blank=True)
    answer_by = models.DateTimeField(null=True, blank=True)
    remind_staff_at = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    details_changed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the patient last changed their own phone or note."
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AppointmentQuerySet.as_manager()

    was_moved = False
    """Whether an action found that it moved to another therapist after it was read. Not a column."""

    class Meta:
        ordering = ["-starts_at"]
        verbose_name = "visit"
        permissions = [("see_every_patient", "Can see the patients of every therapist, not only their own")]
        indexes = [
            models.Index(fields=["starts_at"], name="booking_appointment_by_start"),
            *PEOPLE_INDEXES,
            # What is in the way: the constraint's own index leaves out visits booked past the rules.
            GistIndex(fields=["blocked"], condition=Q(state__in=OCCUPYING), name="booking_appointment_in_the_way"),
            # The dead holds that every booking ends first: without it, each reads its therapist's whole past.
            models.Index(
                fields=["therapist", "held_until"], condition=Q(state=State.HELD), name="booking_appointment_held"
            ),
        ]
        constraints = [
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
    def person(self) -> Appointment:
        """Where name, e-mail address and phone are kept."""
        return self

    @property
    def first_name(self) -> str:
        """The name to call out in the waiting room: the first name of the person the visit is for."""
        return next(iter((self.patient_name or self.name).split()), "")

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)

    @property
    def version(self) -> str:
        """What a decision about it is about: a new state, time, therapist or service is a new version."""
        return str(VisitVersion(self.state, self.starts_at, self.ends_at, self.therapist_id, self.service_id))

    @property
    def is_hold(self) -> bool:
        """Held, or a hold that ran out before it got details: it may still become a visit."""
        return self.state == State.HELD or (
            self.state == State.EXPIRED and self.submission_key is None and not self.name
        )

    @property
    def is_coming(self) -> bool:
        return self.state in COMING

    @property
    def has_proved_address(self) -> bool:
        """Whether a colleague has agreed to the visit; until then its e-mail address may be a stranger's."""
        return not self.is_online or (self.confirmed_at is not None and self.confirmed_at != self.requested_at)

    def can_be_changed_online(self, now: datetime) -> bool:
        return self.is_coming and now <= self.change_until

    @property
    def change_until(self) -> datetime:
        """The last moment at which the patient can cancel online."""
        return self.starts_at - timedelta(hours=settings.BOOKING_CHANGE_CUT_OFF_HOURS)

    @property
    def outage(self) -> AffectedVisit | None:
        """Its line on the board when its therapist is out and nobody has settled it yet; else None."""
        return self.affected.open().select_related("contact", "outage").first()

    def forget_patient(self, now: datetime) -> None:
        """Take the person out of the row and close the private link; the visit itself stays (not saved)."""
        self.name = self.email = self.phone = self.patient_name = self.note = self.cancel_reason = self.came_from = ""
        self.is_new_patient, self.submission_digest = None, ""
        self.anonymised_at = now
        self.close_link()

    def agree(self, now: datetime, clinic: Clinic) -> None:
        """Note that it is agreed (not saved), and who invites to it in all its calendar files.

        That stays: a calendar takes an update or a cancellation from the same organizer alone (RFC 5546, 3.2.2).
        """
        self.confirmed_at, self.organizer = now, clinic.organizer

    @property
    def agreed_start(self) -> datetime:
        """The start on the clock as it was agreed, whatever the rules of the time zone say since."""
        if self.agreed_offset is None:
            return timezone.localtime(self.starts_at)
        return self.starts_at.astimezone(fixed_offset(timedelta(minutes=self.agreed_offset)))

    @property
    def length(self) -> timedelta:
        """How long this visit takes, as it was agreed: the service may have another length by now."""
        return self.ends_at - self.starts_at

    @property
    def minutes(self) -> int:
        return self.length // timedelta(minutes=1)

    @property
    def turnaround(self) -> timedelta:
        """The time after this visit that is kept free, as it was when the visit was agreed."""
        return self.blocked.upper - self.ends_at

    def put_at(
        self,
        *,
        therapist: Therapist,
        service: Service,
        starts_at: datetime,
        length: timedelta | None = None,
        turnaround: timedelta | None = None,
        zone: ZoneInfo | None = None,
    ) -> None:
        """Set therapist, service and the four columns of time together (not saved).

        `length` and `turnaround` are those of a visit that exists; by default the service's own. `zone` is the
        clinic's, for callers who have it; without it, it is read.
        """
        self.therapist, self.service, self.starts_at = therapist, service, starts_at
        self.agreed_offset = utc_offset(starts_at, zone or Clinic.objects.current().zone)
        self.ends_at = starts_at + (service.length if length is None else length)
        after = service.turnaround if turnaround is None else turnaround
        self.blocked = DateTimeTZRange(starts_at, self.ends_at + after)

    def hold_at(self, *, until: datetime, held_for: HeldFor, **place: Any) -> None:  # Any: arguments of put_at
        """Make this row a hold of that time, with its link (not saved); `place` as for `put_at`."""
        self.put_at(**place)
        self.state, self.ended_at = State.HELD, None
        self.held_until, self.held_for = until, held_for
        self.renew_link()
