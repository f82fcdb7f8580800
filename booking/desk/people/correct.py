"""Correct the name, e-mail address and phone in a visit, a waiting-list entry or a request to be called."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.buttons import correct_url
from booking.desk.base.changed import Changed
from booking.desk.base.wording import time_with
from booking.mail.compose import preview, to_tell
from booking.models import AccessLog, Appointment, ContactRequest, Look, Message, WaitlistEntry
from booking.models.found_people import PersonRow, others_with_contact
from booking.models.people import Person
from booking.people.addresses import address_key
from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffRequest, StaffUser
from revival.base.words import day_short

from .correction_form import MODELS, CorrectionForm, Option, name_of

AN_EARLIER_ONE = "another name, e-mail address or phone"
UNREACHABLE = "Someone on the waiting list needs an e-mail address, and someone who asked to be called a phone."
NAMES_NOBODY = "Nobody is named in it any more, so nothing was changed."


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: StaffRequest, kind: str, pk: str) -> HttpResponse:
    """GET shows the present details and other rows of theirs; POST corrects them, unless a colleague was quicker."""
    row = _row(request, kind, pk)
    here = correct_url(row)
    if here != request.path:  # an entry with a visit, or a visit that names nobody any more
        return redirect(here or _change_url(row))
    form, changed = CorrectionForm(request.POST if request.method == "POST" else None, row=row), None
    if form.is_valid():
        try:
            corrected = actions.correct_person(
                person=row, details=form.details, seen=form.cleaned_data["version"], also=form.also(request.user)
            )
        except actions.ChangedMeanwhileError:
            seen = form.cleaned_data["version"]
            row = _row(request, kind, pk)
            form.show_version(Person.of(row).version)
            changed = Changed(seen and AN_EARLIER_ONE, _details_words(row), is_still_possible=True)
        except actions.StateChangedError:
            django_messages.warning(request, NAMES_NOBODY)
            return redirect(_change_url(row))
        except actions.AddressNeededError:
            form.add_error("email", UNREACHABLE)
        else:
            django_messages.success(request, _done_words(row, form, corrected))
            return redirect(_change_url(row))
    AccessLog.objects.note(request.user, Look.OPENED, about=kind, number=row.pk)
    return _page(request, row, form, changed)


def _row(request: StaffRequest, kind: str, pk: str) -> PersonRow:
    """The row, if this user may correct it. Raises PermissionDenied or Http404."""
    if not request.user.has_perms([f"booking.view_{kind}", f"booking.change_{kind}"]):
        raise PermissionDenied
    rows: Any = MODELS[kind].objects.seen_by(request.user)  # Any: of three models
    row: PersonRow | None = rows.filter(pk=pk).first()
    if row is None or (isinstance(row, Appointment) and row.is_hold):
        raise Http404
    return row


def _change_url(row: PersonRow) -> str:
    return reverse(f"admin:booking_{row._meta.model_name}_change", args=[row.pk])


def _page(request: StaffRequest, row: PersonRow, form: CorrectionForm, changed: Changed | None) -> HttpResponse:
    options = [(option, form.is_ticked(option)) for option in _options(row, request.user)]
    context = {
        **admin.site.each_context(request),
        "title": "Correct name, e-mail or phone",
        "row": row,
        "row_title": _row_words(row),
        "form": form,
        "options": options,
        "changed": changed,
        "mail": _mail(row),
        "has_link": not isinstance(row, ContactRequest),
        "opts": row._meta,
        "change": _change_url(row),
    }
    status = 409 if changed else 422 if form.errors else 200
    return render(request, "booking/desk/people/correct.html", context, status=status)


def _mail(row: PersonRow) -> tuple[str, str] | None:
    """Subject and text of the first message that a new address gets."""
    for kind, about in actions.present_state(row, now=timezone.now()):
        if isinstance(about, Appointment):
            return preview(kind, about)
        if isinstance(about, WaitlistEntry):
            return to_tell(Message(kind=kind, entry=about))
    return None


# ---- other rows of theirs -------------------------------------------------------------------


def _options(row: PersonRow, user: StaffUser) -> list[Option]:
    """What else can be corrected: the visits of the same series together, then each other row."""
    others = others_with_contact(row, user=user, now=timezone.now())
    series = [other for other in others if _is_of_series(other, row)]
    options = [Option((other,), _words_of(other, row), _is_same(other, row)) for other in others if other not in series]
    if not series:
        return options
    count = "The other visit" if len(series) == 1 else f"The {len(series)} other visits"
    return [Option(tuple(series), f"{count} of this series", is_usual=True), *options]


def _is_of_series(other: PersonRow, row: PersonRow) -> bool:
    if not isinstance(other, Appointment) or not isinstance(row, Appointment):
        return False
    return other.series_id is not None and other.series_id == row.series_id


def _is_same(other: PersonRow, row: PersonRow) -> bool:
    return (other.name_key, other.email_key) == (row.name_key, row.email_key)


def _words_of(other: PersonRow, row: PersonRow) -> str:
    words = _row_words(other)
    if isinstance(other, Appointment) and not other.is_coming:
        words = f"{words} ({other.get_state_display().lower()})"
    return words if other.name_key == row.name_key else f"{words}, for {isolate(other.name)}"


def _row_words(row: PersonRow) -> str:
    if isinstance(row, Appointment):
        return f"Visit on {time_with(row.therapist, row.starts_at)}"
    if isinstance(row, WaitlistEntry):
        return f"On the waiting list since {day_short(row.created_at)}"
    return f"Request to be called, {day_short(row.created_at)}"


# ---- what was done --------------------------------------------------------------------------


def _details_words(row: PersonRow) -> str:
    person = Person.of(row)
    named = f"for {isolate(person.patient_name)}" if person.patient_name else ""
    parts = (isolate(person.name), named, isolate(person.email) or "no e-mail address", isolate(person.phone))
    return ", ".join(filter(None, parts))


def _done_words(row: PersonRow, form: CorrectionForm, corrected: list[PersonRow]) -> str:
    """What happened, without a name or an address: browsers keep messages."""
    if not corrected:
        return "Nothing was changed: that is how it is already."
    others = [name_of(one) for one in corrected if one != row]
    done = "Corrected." if not others else f"Corrected in {len(others) + 1} places."
    is_new_address = address_key(form.details.email) != row.email_key
    if not is_new_address or all(isinstance(one, ContactRequest) for one in corrected):
        return done
    closed = f"{done} The old private link no longer works."
    if form.details.email:
        return f"{closed} What is still to come goes to the new address."
    return f"{closed} Without an e-mail address, later messages are listed for you to phone."
