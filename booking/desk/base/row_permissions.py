"""Row permissions of the desk, and the access log: for every admin that shows patients or hours."""

from __future__ import annotations

from urllib.parse import unquote

from django.db.models import ForeignKey, Model
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from booking.models import SEE_EVERY_PATIENT, AccessLog, Look, Therapist
from revival.base.desk_parts.read_only_admin import HidesExistence
from revival.base.django_types import Context, Passed, Rows


class OwnRowsOnly(HidesExistence):
    """Limits a therapist to their own rows; rows of colleagues answer as if they did not exist."""

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request).seen_by(request.user)  # type: ignore[attr-defined]
        return rows

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Passed
    ) -> ModelChoiceField | None:
        if db_field.related_model is Therapist:
            kwargs["queryset"] = Therapist.objects.seen_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ShowsPatients(OwnRowsOnly):
    """Writes a line to the access log whenever a list or a row is shown."""

    change_list_template = "booking/desk/base/patients_list.html"  # no search box: names would be in the address

    def note_look(self, request: HttpRequest, what: Look, row: int | str | None = None) -> None:
        number = int(unquote(str(row))) if row is not None else None
        AccessLog.objects.note(request.user, what, about=str(self.opts.model_name), number=number)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the list's own filters only; Django would also allow names, and keep them in the address."""
        own = {getattr(list_filter, "parameter_name", list_filter) for list_filter in self.get_list_filter(request)}
        return lookup.split("__")[0] in own and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        return self._noted(request, Look.LIST, super().changelist_view(request, extra_context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        return self._noted(request, Look.OPENED, response, object_id)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Context | None = None) -> HttpResponse:
        response = super().history_view(request, object_id, extra_context)
        return self._noted(request, Look.OPENED, response, object_id)

    def _noted(self, request: HttpRequest, what: Look, response: HttpResponse, row: str | None = None) -> HttpResponse:
        if isinstance(response, TemplateResponse):  # a redirect shows nothing
            self.note_look(request, what, row)
        return response


def is_theirs(request: HttpRequest, row: Model) -> bool:
    """Whether the row is the user's own, or they may see every patient."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    return request.user.has_perm(SEE_EVERY_PATIENT) or rows.owned_by(request.user).exists()  # type: ignore[attr-defined]
