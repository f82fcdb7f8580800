"""Return to the desk's first page after saving, for pages that were opened from there."""

from __future__ import annotations

from django.contrib import admin
from django.contrib import messages as django_messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

FROM_TODAY = "today"
"""`?to=today`, in the links of the first page."""


def is_from_today(request: HttpRequest) -> bool:
    return request.GET.get("to") == FROM_TODAY


class ReturnsToIndex(admin.ModelAdmin):
    """Saving a row that was opened from the first page returns there."""

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        if not (is_from_today(request) and "_save" in request.POST):
            return super().response_change(request, obj)
        self.message_user(request, f"Saved: {obj}.", django_messages.SUCCESS)
        return redirect("admin:index")
