"""Confirm or drop the new e-mail address that a patient typed on the page of their visit."""

from __future__ import annotations

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.changed import Changed
from booking.desk.base.wording import time_with
from booking.fields import version_in
from booking.models import AccessLog, EmailChange, Look
from revival.base.desk_parts.staff_request import StaffRequest

OVER = "It was confirmed, dropped or too old meanwhile, so nothing was changed."
USED = "The new address is used from now on. The old private link no longer works; a new one goes to the new address."
DROPPED = "Dropped. The address stays as it was, and no e-mail is sent."


@require_http_methods(["GET", "HEAD", "POST"])
def new_email(request: StaffRequest, pk: str) -> HttpResponse:
    """GET shows both addresses; POST uses the new one (`do=use`) or drops it (`do=drop`)."""
    if not request.user.has_perms(["booking.view_appointment", "booking.change_appointment"]):
        raise PermissionDenied
    changes = EmailChange.objects.seen_by(request.user).select_related("visit__therapist")
    change = changes.filter(pk=pk).first()
    if change is None:
        raise Http404
    do, seen = request.POST.get("do"), version_in(request.POST)
    try:
        if do == "use":
            actions.confirm_new_email(change=change, seen=seen, by=actions.Actor.STAFF)
        elif do == "drop":
            actions.drop_new_email(change=change, seen=seen)
    except actions.ChangedMeanwhileError:
        change.refresh_from_db()
        changed = Changed(seen and "an address that was asked for before", change.email, is_still_possible=True)
        return _page(request, change, changed)
    except actions.StateChangedError:
        django_messages.warning(request, OVER)
    else:
        if do not in ("use", "drop") and change in changes.open(timezone.now()):
            return _page(request, change)
        if do in ("use", "drop"):
            django_messages.success(request, USED if do == "use" else DROPPED)
    return redirect("admin:booking_appointment_change", change.visit_id)


def _page(request: StaffRequest, change: EmailChange, changed: Changed | None = None) -> HttpResponse:
    visit = change.visit
    AccessLog.objects.note(request.user, Look.OPENED, about="appointment", number=visit.pk)
    context = {
        **admin.site.each_context(request),
        "title": "Use the new e-mail address?",
        "change": change,
        "visit": visit,
        "row_title": f"Visit on {time_with(visit.therapist, visit.starts_at)}",
        "changed": changed,
    }
    return render(request, "booking/desk/people/new_email.html", context, status=409 if changed else 200)
