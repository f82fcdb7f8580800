"""Recurring absences in lists: one line each in place of their many days, and the filter that leaves those out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import AnonymousUser
from django.db.models import Min, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from booking.models import SEE_EVERY_PATIENT, Absence, RecurringAbsence
from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffUser

MOST_LISTED = 30


class RecurringLine(NamedTuple):
    rule: RecurringAbsence
    next: datetime
    may_change: bool

    @property
    def about(self) -> str:
        """Dr. Stanley: Lunch"""
        name = rule_who(self.rule)
        return f"{name}: {isolate(self.rule.reason)}" if self.rule.reason else name


def rule_who(rule: RecurringAbsence) -> str:
    return isolate(rule.therapist.short_name) if rule.therapist else "The whole clinic"


def recurring_lines(user: StaffUser | AnonymousUser) -> list[RecurringLine]:
    """Recurring absences with days still to come, the next first, if the user may see absences. One query."""
    if not user.has_perm("booking.view_absence"):
        return []
    now, may_change = timezone.now(), user.has_perm("booking.change_absence")
    is_for_all = user.has_perm(SEE_EVERY_PATIENT)
    coming = Min("absences__starts_at", filter=Q(absences__starts_at__gt=now))
    rules = RecurringAbsence.objects.seen_by(user).annotate(next=coming).filter(next__isnull=False)
    rules = rules.select_related("therapist").order_by("next")[:MOST_LISTED]
    return [
        RecurringLine(rule, rule.next, may_change and (is_for_all or rule.therapist_id is not None)) for rule in rules
    ]


class DaysOfRecurring(admin.SimpleListFilter):
    """Filter that hides the days of recurring absences unless chosen: they would fill the list."""

    title = "recurring absences"
    parameter_name = "recurring"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("days", "Their days only"), ("all", "Everything")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Absence]) -> QuerySet[Absence]:
        match self.value():
            case "days":
                return queryset.filter(recurring__isnull=False)
            case "all":
                return queryset
        return queryset.filter(recurring__isnull=True)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:  # Any: Django's own signature
        without, *others = super().choices(changelist)
        yield {**without, "display": "Without their days"}
        yield from others
