"""Book a series of visits: propose them from a pattern, let staff change each, then book all or none."""

from __future__ import annotations

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.other_visits import OtherVisits, other_visits, person_typed_in
from booking.desk.base.wording import count_visits, moment_words, told_by_email_or_phone
from booking.models import Audience, Series, Terms
from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.words import day_words

from .form import SeriesForm
from .initial import initial_values
from .plan import OUT, SeriesPlan, plan_as_sent, plan_series

VERB = "Book it"
BOOK, PROPOSE, BEGIN = "book", "propose", "begin"
"""Values of the buttons named `do`; BEGIN comes from the page that books one visit."""


@require_http_methods(["GET", "HEAD", "POST"])
def book_series(request: StaffRequest) -> HttpResponse:
    """The address takes what `initial_values` reads. Nothing is stored until the button that books is pressed."""
    if not request.user.has_perm("booking.change_appointment"):
        raise PermissionDenied
    do = request.POST.get("do", "")
    sent = request.POST if request.method == "POST" and do != BEGIN else None
    initial = {} if sent else initial_values(request)
    form = SeriesForm(sent, user=request.user, is_booking=do == BOOK, initial=initial)
    is_invalid = bool(form.errors)
    plan: SeriesPlan | None = None
    others: OtherVisits | None = None
    if form.has_pattern:
        plan = plan_series(form, propose=do == PROPOSE)
        if do == BOOK and plan.is_new:
            form.add_error(None, "These are the visits of this pattern. Look at them, then book.")
        others = _other_visits(request, form, plan)
        if do == BOOK and not plan.is_new and not is_invalid and not plan.never:
            if series := _book(form, plan, others):
                django_messages.success(request, _booked_words(series))
                return redirect("admin:booking_appointment_change", series.visits.earliest("starts_at").pk)
            plan = plan_series(form, propose=False)  # with what a quicker colleague has booked
    context = {
        **admin.site.each_context(request),
        "title": "Book a series of visits",
        "form": form,
        "plan": plan,
        "sent_plan": [] if plan or sent is None else plan_as_sent(sent.dict()),
        "OUT": OUT,
        "other_visits": others,
        "verb": VERB,
    }
    status = 422 if is_invalid else 409 if do == BOOK else 200
    return render(request, "booking/desk/visits/series.html", context, status=status)


def _other_visits(request: StaffRequest, form: SeriesForm, plan: SeriesPlan) -> OtherVisits | None:
    """Other visits of the patient at the starts of the plan, without those that this very form has booked."""
    key = form.cleaned_data.get("submission_key")
    return other_visits(
        person_typed_in(form),
        terms=Terms.anew(form.cleaned_data["service"], Audience.STAFF),
        starts=plan.starts,
        therapist=form.cleaned_data["therapist"],
        user=request.user,
        sent=request.POST,
        besides=Q(series__submission_key=key) if key else Q(pk__in=[]),
    )


def _book(form: SeriesForm, plan: SeriesPlan, others: OtherVisits | None) -> Series | None:
    """Call the action. None when the form now shows why it was refused."""
    if plan.in_trouble:
        form.add_error(None, "Nothing is booked yet: choose another time for the visits marked, or leave them out.")
        return None
    if not plan.starts:
        form.add_error(None, "Nothing is booked: every visit is left out.")
        return None
    if others and others.refuse(form, VERB):
        return None
    try:
        return actions.book_series(
            therapist=form.cleaned_data["therapist"],
            service=form.cleaned_data["service"],
            starts=plan.starts,
            details=form.details,
            submission_key=form.cleaned_data["submission_key"],
        )
    except actions.SubmissionReusedError:
        form.renew_submission_key()
        form.add_error(None, "This page has booked a series before. If this is another one, press Book once more.")
    except (actions.NotAllFreeError, actions.SlotTakenError):
        form.add_error(None, "Nothing is booked: somebody was quicker. Choose another time for the visits marked.")
    return None


def _booked_words(series: Series) -> str:
    visits = list(series.visits.order_by("starts_at"))
    first, last = visits[0], visits[-1]
    until = "" if first == last else f" to {day_words(last.starts_at)}"
    booked = f"Booked: {count_visits(len(visits))} with {isolate(series.therapist.short_name)}"
    return f"{booked}, {moment_words(first.starts_at)}{until}. {told_by_email_or_phone(first.email)}"
