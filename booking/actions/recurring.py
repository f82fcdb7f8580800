"""Recurring absences: one rule, and an absence for each of its days, written and removed together under the locks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Max
from django.utils import timezone

from booking.models import Absence, Appointment, Clinic, RecurringAbsence, Service
from revival.base.clock import Span

from . import free
from .in_the_way import demand_shown, owners_of, within
from .refusals import NotOfferedError, StateChangedError, action

CONTENT = ("therapist", "weekdays", "begins", "ends", "first_day", "last_day", "reason", "left_out")


def recurrence_stamp(rule: RecurringAbsence) -> str:
    """A digest of a recurring absence as it is stored: it tells whether somebody changed it since a page was drawn."""
    rows = list(RecurringAbsence.objects.filter(pk=rule.pk).values_list(*CONTENT))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


class RecurrencePlan(NamedTuple):
    """What saving a recurring absence would do to its days still to come."""

    kept: list[Absence]
    gone: list[Absence]
    new: list[Span]
    in_the_way: list[Appointment]
    """Coming visits and holds that meet a new span."""

    @property
    def spans(self) -> list[Span]:
        """Its spans to come, once it is saved."""
        return sorted([*(absence.span for absence in self.kept), *self.new])


def plan_recurring_absence(*, rule: RecurringAbsence) -> RecurrencePlan:
    """The plan of what saving would keep, delete and write. Days that have begun stay."""
    return _plan(rule, owners_of(rule), timezone.now())


@action
def save_recurring_absence(
    *, rule: RecurringAbsence, accepted: Collection[int], seen: str = ""
) -> tuple[RecurringAbsence, RecurrencePlan]:
    """Write a recurring absence and the absences of its days that have not begun yet; a new one, or a changed one.

    `seen` is the `recurrence_stamp` that the page of a present one showed, `accepted` the visits (ids) that staff were
    shown. The same once more changes nothing. Raises StateChangedError when somebody else changed or removed it
    meanwhile, VisitsInTheWayError when a visit was not shown, NotOfferedError when none of its days is to come.
    """
    now = timezone.now()
    free.lock_therapists(owners := owners_of(rule), now=now)
    if same := _stored(rule):
        return same, _plan(same, owners, now)
    if rule.pk is not None and recurrence_stamp(rule) != seen:
        raise StateChangedError
    plan = _plan(rule, owners, now)
    if not plan.spans:
        raise NotOfferedError
    demand_shown(plan.in_the_way, accepted)
    rule.save()
    _write(rule, plan)
    _give_back(owners, [absence.span for absence in plan.gone], now)
    return rule, plan


@action
def remove_recurring_absence(*, rule: RecurringAbsence, seen: str) -> int:
    """Delete its absences that have not begun yet; those that were stay. Returns how many were deleted.

    A rule none of whose days was is deleted; else it ends on the last of them. Once removed, nothing is to do. Raises
    StateChangedError when somebody else changed it since the page with the stamp `seen`.
    """
    now, zone = timezone.now(), Clinic.objects.current().zone
    free.lock_therapists(owners := owners_of(rule), now=now)
    coming = list(rule.absences.filter(starts_at__gt=now)) if rule.pk else []
    if not coming:
        return 0
    if recurrence_stamp(rule) != seen:
        raise StateChangedError
    Absence.objects.filter(pk__in=[absence.pk for absence in coming]).delete()
    latest = rule.absences.aggregate(latest=Max("starts_at"))["latest"]
    if latest is None:
        rule.delete()
    else:
        rule.last_day = latest.astimezone(zone).date()
        rule.first_day = min(rule.first_day, rule.last_day)
        rule.save()
    _give_back(owners, [absence.span for absence in coming], now)
    return len(coming)


def leave_out(absence: Absence) -> None:
    """Exclude this absence's day from its recurring absence, if it has one. The caller holds the locks."""
    # The day that the rule gave it, whatever the caller makes of it. A new absence has no rule.
    stored = Absence.objects.filter(pk=absence.pk, recurring__isnull=False).select_related("recurring").first()
    if stored is None or (rule := stored.recurring) is None:
        return
    day = stored.starts_at.astimezone(Clinic.objects.current().zone).date()
    rule.left_out = sorted({*rule.left_out, day})
    rule.save(update_fields=["left_out"])


def _stored(rule: RecurringAbsence) -> RecurringAbsence | None:
    """An equal recurring absence that is stored already: the page was sent twice."""
    alike = RecurringAbsence.objects.filter(**{name: getattr(rule, name) for name in CONTENT})
    return alike.filter(pk=rule.pk).first() if rule.pk is not None else alike.first()


def _plan(rule: RecurringAbsence, owners: set[int], now: datetime) -> RecurrencePlan:
    wanted = {span for span in rule.spans(Clinic.objects.current().zone) if span.start > now}
    coming = list(Absence.objects.filter(recurring=rule.pk, starts_at__gt=now)) if rule.pk is not None else []
    kept = [absence for absence in coming if absence.span in wanted]
    gone = [absence for absence in coming if absence.span not in wanted]
    new = sorted(wanted - {absence.span for absence in kept})
    return RecurrencePlan(kept, gone, new, within(owners, new, now))


def _write(rule: RecurringAbsence, plan: RecurrencePlan) -> None:
    Absence.objects.filter(pk__in=[absence.pk for absence in plan.gone]).delete()
    kept = Absence.objects.filter(pk__in=[absence.pk for absence in plan.kept])
    kept.exclude(reason=rule.reason).update(reason=rule.reason)
    Absence.objects.bulk_create(
        Absence(
            therapist_id=rule.therapist_id, starts_at=span.start, ends_at=span.end, reason=rule.reason, recurring=rule
        )
        for span in plan.new
    )


def _give_back(owners: Iterable[int], spans: Iterable[Span], now: datetime) -> None:
    """Offer the time to the waiting list, as far ahead as patients can book."""
    furthest = Service.objects.on_offer().aggregate(days=Max("horizon_days"))["days"] or 0
    near = [span for span in spans if span.start < now + timedelta(days=furthest + 1)]
    for pk in owners:
        for span in near:
            free.give_back(pk, span, now=now)
