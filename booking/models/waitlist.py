"""WaitlistEntry: a person who wants an earlier time. Offer: one freed time, held for one of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from booking.people.addresses import address_key

from .appointment_queries import AppointmentQuerySet
from .appointments import Appointment
from .clinic import quiet_hours
from .free import Audience
from .links import PrivateLink, WithPrivateLink
from .parts_of_day import PartOfDay, parts_of_day
from .people import PersonKeys, WithPeople
from .therapists import Service, Therapist


def rules_of_the_list() -> dict[str, object]:
    """How long a time is held for one person, and between which hours no offer is sent."""
    return {"offer_minutes": settings.BOOKING_OFFER_MINUTES, "quiet": quiet_hours()}


class WaitlistEntryQuerySet(WithPrivateLink, WithPeople["WaitlistEntry"]):
    owners = ("therapist__account", "visit__therapist__account")

    def matching(self, *, name: str = "", email: str = "", phone: str = "") -> Self:
        """As for other rows, by the entry's own details or those of the visit that would move."""
        typed = {"name": name, "email": email, "phone": phone}
        return self._or_of_visits(super().matching(**typed), Appointment.objects.matching(**typed))

    def of_contact(self, *, email: str = "", phone: str = "") -> Self:
        typed = {"email": email, "phone": phone}
        return self._or_of_visits(super().of_contact(**typed), Appointment.objects.of_contact(**typed))

    def of_name(self, name: str) -> Self:
        return self._or_of_visits(super().of_name(name), Appointment.objects.of_name(name))

    def _or_of_visits(self, entries: Self, visits: AppointmentQuerySet) -> Self:
        """Two look-ups by an index each, and not one over a join that has none."""
        of_visits = self.filter(visit__in=visits.order_by()).order_by()
        return self.filter(pk__in=entries.order_by().values("pk").union(of_visits.values("pk")))

    def waiting(self) -> WaitlistEntryQuerySet:
        return self.filter(state=WaitlistEntry.State.WAITING)

    def who_can_come(self, therapist: Therapist, *, first: date, last: date) -> WaitlistEntryQuerySet:
        """Entries waiting for this therapist or for any, on some of these clinic-local dates."""
        return self.waiting().filter(
            Q(therapist=therapist) | Q(therapist__isnull=True),
            service__therapists=therapist,
            service__in=Service.objects.on_offer(),
            first_day__lte=last,
            last_day__gte=first,
        )

    def over(self, today: date) -> WaitlistEntryQuerySet:
        """Entries to end: their dates have passed, or their visit has ended or begun."""
        coming = Appointment.objects.coming(timezone.now())
        return self.waiting().filter(Q(last_day__lt=today) | (Q(visit__isnull=False) & ~Q(visit__in=coming)))

    def without_open_offer(self) -> WaitlistEntryQuerySet:
        return self.exclude(offers__state=Offer.State.OPEN)


class WaitlistEntry(PersonKeys, PrivateLink):
    """A wish for an earlier time: with whom, on which dates, at which times of day.

    With `visit` it is that visit that would move; without, the entry holds the person's details.
    """

    link_purpose = "waiting-list"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        BOOKED = "booked", "Took an offer"
        LEFT = "left", "Left the list"
        ENDED = "ended", "Its dates, or its visit, are over"

    state = models.CharField(max_length=7, choices=State, default=State.WAITING)

    therapist = models.ForeignKey(
        Therapist, on_delete=models.PROTECT, null=True, blank=True, help_text="Empty: whoever is free."
    )
    service = models.ForeignKey(Service, on_delete=models.PROTECT)
    visit = models.ForeignKey(
        Appointment, on_delete=models.CASCADE, null=True, blank=True, related_name="waitlist_entries"
    )
    first_day = models.DateField()
    last_day = models.DateField(help_text="The last day that suits, included.")
    parts = parts_of_day()
    suits_short_notice = models.BooleanField(
        "short notice suits",
        default=False,
        db_default=False,
        help_text="Offers may begin sooner than a visit can be booked online.",
    )

    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField("e-mail", max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    is_new_patient = models.BooleanField("first visit", null=True, blank=True)
    consent_version = models.CharField(max_length=20, blank=True)
    came_from = models.CharField("came from article", max_length=80, blank=True)

    submission_key = models.UUIDField(unique=True)
    created_at = models.DateTimeField("waiting since", default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = WaitlistEntryQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        verbose_name, verbose_name_plural = "waiting-list entry", "waiting list"
        constraints = [
            models.CheckConstraint(
                name="booking_waitlist_entry_state_is_known",
                condition=Q(state__in=("waiting", "booked", "left", "ended")),
                violation_error_message="Choose one of the states.",
            ),
            models.CheckConstraint(
                name="booking_waitlist_entry_first_day_is_not_after_last",
                condition=Q(first_day__lte=F("last_day")),
                violation_error_message="The last day lies before the first.",
            ),
            models.CheckConstraint(
                name="booking_waitlist_entry_has_a_time_of_day",
                condition=Q(parts__len__gte=1) & Q(parts__contained_by=PartOfDay.values),
                violation_error_message="Choose at least one time of day.",
            ),
            models.CheckConstraint(
                name="booking_waitlist_entry_is_someones",
                condition=Q(visit__isnull=False) | (~Q(name="") & ~Q(email="")),
                violation_error_message="Someone on the list has a visit, or a name and an e-mail address.",
            ),
            models.UniqueConstraint(
                name="booking_waitlist_entry_once_per_visit",
                fields=["visit"],
                condition=Q(state="waiting"),
                violation_error_message="This visit is on the waiting list already.",
            ),
        ]

    def __str__(self) -> str:
        return f"Waiting-list entry {str(self.public_id)[:8]}"  # no name: this text reaches logs and titles

    def get_absolute_url(self) -> str:
        return reverse("booking:waitlist", args=[self.token])

    @property
    def person(self) -> Appointment | WaitlistEntry:
        """Where name, e-mail address and phone are kept: the visit's row, or this one."""
        return self.visit or self

    @property
    def recipient(self) -> str:
        return self.person.email

    @property
    def minutes(self) -> int:
        """How long the visit would take: as agreed when there is one already, else as its service takes."""
        return self.visit.minutes if self.visit else self.service.minutes

    @property
    def part_names(self) -> list[str]:
        return [str(PartOfDay(part).label) for part in self.parts]

    @property
    def version(self) -> str:
        return f"{self.state}.{self.pk}"

    def wants(self, start: datetime, zone: ZoneInfo, *, now: datetime) -> bool:
        """Whether this start lies on its dates, at its times of day, and before the visit it would replace.

        Without `suits_short_notice` it is also no sooner than the service can be booked online.
        """
        return (
            self.first_day <= start.astimezone(zone).date() <= self.last_day
            and PartOfDay.of(start, zone) in self.parts
            and (self.suits_short_notice or start >= now + Audience.NEW.notice(self.service))
            and (self.visit is None or start < self.visit.starts_at)
        )


class OfferQuerySet(models.QuerySet["Offer"]):
    def open(self) -> OfferQuerySet:
        return self.filter(state=Offer.State.OPEN)

    def over(self, now: datetime) -> OfferQuerySet:
        """Open offers that can no longer be taken: late, withdrawn, or for a visit that has ended."""
        is_coming = Q(entry__visit__isnull=True) | Q(entry__visit__in=Appointment.objects.coming(now))
        pairs = Service.therapists.through.objects.filter(
            therapist=OuterRef("therapist"), service=OuterRef("entry__service")
        )
        is_given = Q(
            Exists(pairs), therapist__in=Therapist.objects.bookable(), entry__service__in=Service.objects.on_offer()
        )
        return self.open().exclude(Q(until__gt=now) & is_coming & is_given)

    def to_address(self, email: str) -> OfferQuerySet:
        """Offers made to one person, however often they are on the list."""
        return self.filter(Q(entry__email_key=address_key(email)) | Q(entry__visit__email_key=address_key(email)))


class Offer(models.Model):
    """One freed time, kept for one person on the waiting list for two hours: an appointment in state held."""

    class State(models.TextChoices):
        OPEN = "open", "Waiting for an answer"
        TAKEN = "taken", "Taken"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "No answer in time"

    entry = models.ForeignKey(WaitlistEntry, on_delete=models.CASCADE, related_name="offers")
    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    hold = models.ForeignKey(Appointment, on_delete=models.SET_NULL, null=True, related_name="offers")
    until = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="booking_offer_state_is_known",
                condition=Q(state__in=("open", "taken", "declined", "expired")),
                violation_error_message="Choose one of the states.",
            ),
            models.UniqueConstraint(
                name="booking_offer_never_twice_for_one_slot",
                fields=["entry", "therapist", "starts_at"],
                violation_error_message="This time was offered to this person before.",
            ),
            models.UniqueConstraint(
                name="booking_offer_one_at_a_time",
                fields=["entry"],
                condition=Q(state="open"),
                violation_error_message="This person has another offer to answer first.",
            ),
        ]

    def __str__(self) -> str:
        return f"Offer {self.pk}"

    @property
    def recipient(self) -> str:
        return self.entry.recipient

    @property
    def minutes(self) -> int:
        """How long the offered visit takes."""
        return (self.ends_at - self.starts_at) // timedelta(minutes=1)

    @property
    def version(self) -> str:
        """What is offered, and the visit that would move; one that ran out is still good while its time is free."""
        can_be_taken = self.state in (Offer.State.OPEN, Offer.State.EXPIRED)
        is_open = can_be_taken and self.entry.state == WaitlistEntry.State.WAITING
        visit = self.entry.visit
        return f"{'open' if is_open else self.state}.{self.pk}.{visit.version if visit else ''}"

    def is_open(self, now: datetime) -> bool:
        return self.state == Offer.State.OPEN and now < self.until
