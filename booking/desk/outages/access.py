"""Permissions, access log and look-up that the outage pages share."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from booking.models import SEE_EVERY_PATIENT, AccessLog, Look, Outage, Therapist
from revival.base.desk_parts.staff_request import StaffRequest, StaffUser

TO_LOOK, TO_ACT = ("booking.view_appointment",), ("booking.change_appointment", "booking.add_absence")


def can_act(user: StaffUser) -> bool:
    return user.has_perms([*TO_LOOK, *TO_ACT])


def require_permissions(request: StaffRequest, *permissions: str) -> None:
    """Raises PermissionDenied without these, or without the permission to see visits."""
    if not request.user.has_perms([*TO_LOOK, *permissions]):
        raise PermissionDenied


def note_look(request: StaffRequest, what: Look, number: int | None = None) -> None:
    """Write a line to the access log. `number` is the outage's, if there is one yet."""
    AccessLog.objects.note(request.user, what, about="outage", number=number)


def therapists_to_offer(user: StaffUser) -> list[Therapist] | None:
    """Therapists whose times this user may hold for patients: None for everyone, or a therapist's own alone."""
    return None if user.has_perm(SEE_EVERY_PATIENT) else list(Therapist.objects.seen_by(user))


def get_outage(request: StaffRequest, pk: int) -> Outage:
    """Raises Http404 when there is none, or it is not one of theirs."""
    rows = Outage.objects.seen_by(request.user).select_related("therapist", "started_by", "absence")
    outage: Outage = get_object_or_404(rows, pk=pk)
    return outage
