"""The way back to the first page, for who came from there: to the next one who waits, or the next thing to set up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

FROM_TODAY = "today"
"""`?to=today`, in the links of the first page."""


def is_from_today(request: HttpRequest) -> bool:
    return request.GET.get("to") == FROM_TODAY


class LeadsBackToToday(admin.ModelAdmin):
    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if not (is_from_today(request) and "_save" in request.POST):
            return super().response_change(request, obj)
        self.message_user(request, f"Saved: {obj}.", messages.SUCCESS)
        return redirect("admin:index")
