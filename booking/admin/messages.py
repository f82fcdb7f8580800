from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from procrastinate.contrib.django.models import ProcrastinateJob

from booking.models import Message

# The library's own list of jobs says nothing to staff, and its inline styles break the desk's policy.
admin.site.unregister(ProcrastinateJob)


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """What was written to whom, and what became of it. Nothing here is typed by hand."""

    list_display = ["created_at", "kind", "recipient", "appointment", "delivery", "attempts", "last_answer"]
    list_filter = ["delivery", "kind"]
    list_select_related = ["appointment"]
    search_fields = ["recipient", "appointment__name"]
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
