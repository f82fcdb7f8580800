"""Queries about appointments, in the clinic's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Count, Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Greatest

from booking.people.names import name_key
from revival.base.clock import Span, utc_offset

from .links import WithPrivateLink
from .people import PersonDetails, WithPeople
from .states import COMING, OCCUPYING, State

if TYPE_CHECKING:
    from .appointments import Appointment


def epoch(name: str) -> Func:
    """A moment as a number, which is read eight times as fast as a range and twice as fast as a date."""
    return Func(Value("epoch"), F(name), function="date_part", output_field=models.FloatField())


def _is_coming(now: datetime) -> Q:
    return Q(state__in=COMING, starts_at__gt=now)


def _takes_place_in(*spans: Span) -> Q:
    then = [Q(starts_at__lt=span.end, ends_at__gt=span.start) for span in spans]
    return Q(state__in=(*COMING, State.ARRIVED)) & reduce(or_, then, Q(pk__in=[]))


def _is_for(details: PersonDetails) -> Q:
    return Q(patient_name_key=name_key(details.patient_name))


def _from(now: datetime) -> DateTimeTZRange:
    return DateTimeTZRange(now, None)


class AppointmentQuerySet(WithPrivateLink, WithPeople["Appointment"]):
    name_keys = ("name_key", "patient_name_key")

    def occupying(self, now: datetime) -> AppointmentQuerySet:
        """Rows that keep others out at `now`; a hold whose time is over does not."""
        return self.filter(state__in=OCCUPYING).exclude(state=State.HELD, held_until__lte=now)

    def touching(self, span: Span) -> AppointmentQuerySet:
        return self.filter(blocked__overlap=DateTimeTZRange(span.start, span.end))

    def blocked_spans(self) -> Iterator[tuple[int, Span]]:
        """Therapist id and blocked time of each row; read as numbers, since ranges take eight times as long."""
        rows = self.order_by().values_list("therapist", epoch("starts_at"), epoch("blocked__endswith"))
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

    def in_order(self, most: int | None = None) -> list[Appointment]:
        return list(self.select_related("therapist", "service").order_by("starts_at")[:most])

    def coming(self, now: datetime) -> AppointmentQuerySet:
        return self.filter(_is_coming(now))

    def at_another_hour(self, now: datetime, zone: ZoneInfo) -> AppointmentQuerySet:
        """Coming visits whose hour on the clinic's clock is not the one that was agreed."""
        rows = self.coming(now).exclude(agreed_offset=None).order_by("starts_at")
        changed = [
            pk
            for pk, starts_at, agreed in rows.values_list("pk", "starts_at", "agreed_offset")
            if utc_offset(starts_at, zone) != agreed
        ]
        return self.filter(pk__in=changed).order_by("starts_at")

    def of_person(self, details: PersonDetails) -> AppointmentQuerySet:
        """Visits under the same name with the same e-mail address or the same phone, however they were typed."""
        return self.of_contact(email=details.email, phone=details.phone).filter(name_key=name_key(details.name))

    def of_patient(self, details: PersonDetails) -> AppointmentQuerySet:
        """Visits of the same person for the same patient: who books for two children may book them side by side."""
        return self.of_person(details).filter(_is_for(details))

    def taking_place_in(self, *spans: Span) -> AppointmentQuerySet:
        """Visits asked for, agreed or begun that last into one of these times, without their turnaround."""
        return self.filter(_takes_place_in(*spans))

    def online_and_at_once(self, details: PersonDetails, *, span: Span, now: datetime) -> tuple[int, int]:
        """How many visits a person booked online are to come, and how many of the same patient are at this time."""
        online, at_once = _is_coming(now) & Q(is_online=True), _takes_place_in(span) & _is_for(details)
        # What begins after now or ends in a time to come ends after now: so the past is not read.
        rows = self.of_person(details).filter(state__in=(*COMING, State.ARRIVED), blocked__overlap=_from(now))
        counts = rows.aggregate(online=Count("pk", filter=online), at_once=Count("pk", filter=at_once))
        return counts["online"], counts["at_once"]

    def rest_of(self, visit: Appointment, now: datetime) -> AppointmentQuerySet:
        """The coming visits of this visit's series, from this visit on."""
        series = visit.series_id or 0  # none has number 0
        return self.coming(now).filter(series=series, starts_at__gte=visit.starts_at)

    def unanswered(self, now: datetime) -> AppointmentQuerySet:
        """Requests whose time for an answer is over; while the therapist is out, only those that have begun."""
        over = self.filter(state=State.REQUESTED, answer_by__lte=now)
        return over.filter(~Q(self._is_on_a_board()) | Q(starts_at__lte=now))

    def staff_to_be_reminded(self, now: datetime) -> AppointmentQuerySet:
        """Requests to come that still have no answer when half of the time for it is over."""
        return self.filter(state=State.REQUESTED, remind_staff_at__lte=now, starts_at__gt=now).without_outage()

    def with_outage(self) -> AppointmentQuerySet:
        """Annotates `is_out`: whether the therapist is out and nobody has settled the visit yet."""
        return self.annotate(is_out=self._is_on_a_board())

    def without_outage(self) -> AppointmentQuerySet:
        return self.filter(~Q(self._is_on_a_board()))

    @staticmethod
    def _is_on_a_board() -> Exists:
        from .affected_visits import AffectedVisit  # affected visits point at appointments, so not at the top

        return Exists(AffectedVisit.objects.open().filter(visit=OuterRef("pk")))

    def to_be_reminded(self, now: datetime, *, ahead: timedelta, until: timedelta) -> AppointmentQuerySet:
        """Confirmed visits that begin within `ahead` but not within `until`, and were agreed at this time before."""
        agreed_at = Greatest("confirmed_at", "moved_at")  # the later of the two that are set
        coming = self.filter(
            state=State.CONFIRMED
        ).without_outage()  # else it would contradict the message that the therapist is out
        soon = coming.filter(starts_at__gt=now + until, starts_at__lte=now + ahead)
        return soon.annotate(agreed_at=agreed_at).filter(
            Q(agreed_at__isnull=True) | Q(agreed_at__lte=F("starts_at") - ahead)
        )
