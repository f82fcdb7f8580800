"""The reports page, and each of its tables as a CSV file."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from revival.base.desk_parts.staff_request import StaffRequest

from .forms import ScopeForm
from .report import REPORTS, Selection, Titles
from .scope import Scope, week_of
from .spreadsheets import as_csv

DEFAULT_WEEKS = 12


@require_safe
def reports_page(request: StaffRequest, titles: Titles) -> HttpResponse:
    """All reports. Query: `first` and `last` (ISO dates, both included), `therapist` (slug; empty for all)."""
    form = _form(request)
    selection = _selection(form, titles) if form.is_valid() else None
    context = {
        **admin.site.each_context(request),
        "title": "Reports",
        "form": form,
        "reports": [make_report(selection) for make_report in REPORTS.values()] if selection else [],
        "selection": selection,
    }
    return render(request, "booking/desk/reports/page.html", context, status=200 if selection else 422)


@require_safe
def report_table(request: StaffRequest, key: str, titles: Titles) -> HttpResponse:
    """One report's table as a CSV file; the query is the page's."""
    form = _form(request)
    if key not in REPORTS:
        raise Http404
    if not form.is_valid():
        context = {**admin.site.each_context(request), "title": "Reports", "form": form}
        return render(request, "booking/desk/reports/page.html", context, status=422)
    selection = _selection(form, titles)
    report = REPORTS[key](selection)
    response = HttpResponse(as_csv(report.header, report.rows + report.totals), content_type="text/csv; charset=utf-8")
    name = f"{key}-{selection.scope.first}-{selection.scope.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _form(request: StaffRequest) -> ScopeForm:
    if not request.user.has_perm("booking.view_appointment"):
        raise PermissionDenied
    today = timezone.localdate()
    first = week_of(today) - timedelta(weeks=DEFAULT_WEEKS - 1)
    data = {"first": f"{first}", "last": f"{today}", "therapist": ""}
    data |= {name: request.GET[name] for name in data if name in request.GET}
    return ScopeForm(data, user=request.user)


def _selection(form: ScopeForm, titles: Titles) -> Selection:
    therapists = form.chosen
    zone = ZoneInfo(timezone.get_current_timezone_name())  # the clinic’s is the active one
    ids = tuple(therapist.pk for therapist in therapists)
    return Selection(Scope(form.cleaned_data["first"], form.cleaned_data["last"], ids, zone), therapists, titles)
