"""Admin of the safety texts: cautions and urgent help."""

from __future__ import annotations

from datetime import date

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from booking.desk.base.back_to_index import ReturnsToIndex
from booking.models import Caution, UrgentHelp
from revival.base.words import date_words


@admin.register(Caution)
class CautionAdmin(ReturnsToIndex):
    list_display = ["title", "approval"]
    search_fields = ["title", "avoid", "ask_first", "search_words"]
    prepopulated_fields = {"slug": ["title"]}

    @admin.display(description="Clinical approval")
    def approval(self, caution: Caution) -> str:
        return _approval(caution.approved_on)


@admin.register(UrgentHelp)
class UrgentHelpAdmin(ReturnsToIndex):
    list_display = ["title", "approval"]
    search_fields = ["title", "call_911", "call_doctor", "search_words"]

    @admin.display(description="Clinical approval")
    def approval(self, block: UrgentHelp) -> str:
        return _approval(block.approved_on)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not UrgentHelp.objects.exists() and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # every page about back pain shows it


def _approval(day: date | None) -> str:
    return f"Approved on {date_words(day)}" if day else "Awaiting clinical approval"
