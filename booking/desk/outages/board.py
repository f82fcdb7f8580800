"""A therapist is out, at the desk: choose the span, see who is affected, start it, and a board of who has answered."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from booking import actions
from booking.desk.base.forms import MomentField
from booking.fields import ONE_LINE, PlaceField, StartField
from booking.models import (
    SEE_EVERY_PATIENT,
    AccessLog,
    AffectedVisit,
    Alternative,
    Appointment,
    Bucket,
    Clinic,
    Delivery,
    FirstChoice,
    Look,
    Outage,
    Proposal,
    Therapist,
    propose,
)
from revival.base.clock import MIDNIGHT, ONE_DAY, Span, bounds_of_days, instant_of, is_in_era
from revival.base.widgets import ClockInput, DayInput
from revival.base.words import clock, day_words

LONGEST = timedelta(days=92)
MOST_VISITS = 150  # at once; a page with more choices than that is for nobody
MOST_PAST = 20
TO_LOOK, TO_ACT = ("booking.view_appointment",), ("booking.change_appointment", "booking.add_absence")


def may_act(user: Any) -> bool:
    return bool(user.has_perms([*TO_LOOK, *TO_ACT]))


def _demand(request: HttpRequest, *rights: str) -> None:
    if not request.user.has_perms([*TO_LOOK, *rights]):
        raise PermissionDenied


def _note(request: HttpRequest, what: Look, number: int | None = None) -> None:
    AccessLog.objects.note(request.user, what, about="outage", number=number)


def colleagues(user: Any) -> list[Therapist] | None:
    """With whom this person may book: as when they book for a caller, a therapist with themselves alone."""
    return None if user.has_perm(SEE_EVERY_PATIENT) else list(Therapist.objects.seen_by(user))


# ---- forms ----------------------------------------------------------------------------------


class SpanForm(forms.Form):
    """Who is out, and when; nothing of a patient, so that it may stand in an address."""

    PRESETS = [
        ("today", "The rest of today"),
        ("tomorrow", "Tomorrow"),
        ("week", "From now to the end of this week"),
        ("dates", "From and until, as below"),
    ]
    therapist = forms.ModelChoiceField(
        Therapist.objects.none(), to_field_name="slug", empty_label=None, label="Who is out?"
    )
    when = forms.ChoiceField(choices=PRESETS, widget=forms.RadioSelect, label="When?", initial="today")
    first_day = forms.DateField(label="From", required=False, widget=DayInput)
    first_time = forms.TimeField(
        label="From what time", required=False, widget=ClockInput, help_text="Leave empty for the start of that day."
    )
    last_day = forms.DateField(
        label="Until",
        required=False,
        widget=DayInput,
        help_text="The last day, included. Leave empty for the same day.",
    )
    last_time = forms.TimeField(
        label="Until what time", required=False, widget=ClockInput, help_text="Leave empty for the end of that day."
    )
    first = forms.ChoiceField(
        choices=FirstChoice.choices,
        widget=forms.RadioSelect,
        label="What do we hold for them first?",
        initial=FirstChoice.OTHER,
        help_text="Only what is suggested first; you can change it for each patient.",
    )

    def __init__(self, *args: Any, user: Any, now: datetime, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now, self.zone = now, zone
        self.fields["therapist"].queryset = Therapist.objects.seen_by(user)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if self.errors:
            return typed
        today = self.now.astimezone(self.zone).date()
        span = self._preset(typed["when"], today) or self._dates(typed)
        if span is not None:
            typed["span"] = _checked(span, self.now)
        return typed

    def _preset(self, when: str, today: date) -> Span | None:
        this_minute = self.now.replace(second=0, microsecond=0)
        match when:
            case "today":
                return Span(this_minute, bounds_of_days(today, today, self.zone).end)
            case "tomorrow":
                return bounds_of_days(today + ONE_DAY, today + ONE_DAY, self.zone)
            case "week":
                sunday = today + timedelta(days=6 - today.weekday())
                return Span(this_minute, bounds_of_days(sunday, sunday, self.zone).end)
        return None

    def _dates(self, typed: dict[str, Any]) -> Span | None:
        first, last = typed.get("first_day"), typed.get("last_day") or typed.get("first_day")
        if first is None or last is None:
            self.add_error("first_day", "Choose the first day.")
            return None
        if not (is_in_era(first) and is_in_era(last)):
            self.add_error("first_day", "Choose a date between 2001 and 2899.")
            return None
        ends = typed.get("last_time")
        end = instant_of(last, ends, self.zone) if ends else instant_of(last + ONE_DAY, MIDNIGHT, self.zone)
        return Span(instant_of(first, typed.get("first_time") or time(0), self.zone), end)


def _checked(span: Span, now: datetime) -> Span:
    if span.start >= span.end:
        raise ValidationError("It ends before it begins.")
    if span.end <= now:
        raise ValidationError("That time has gone by.")
    if span.end - span.start > LONGEST:
        raise ValidationError("Choose three months at most. Start a longer absence in parts.")
    return span


class StartForm(forms.Form):
    """The whole page as it is sent: whose span it is, until when times are held, and one choice for each visit."""

    therapist = forms.ModelChoiceField(Therapist.objects.none(), to_field_name="slug", widget=forms.HiddenInput)
    starts_at = StartField(max_length=40, widget=forms.HiddenInput)
    ends_at = StartField(max_length=40, widget=forms.HiddenInput)
    first = forms.ChoiceField(choices=FirstChoice.choices, widget=forms.HiddenInput)
    submission_key = forms.UUIDField(widget=forms.HiddenInput)
    answer_by = MomentField(
        label="Hold these times until",
        help_text="The e-mail says so. For a visit or a held time that comes sooner, it is earlier. Anyone who has not "
        "answered by then is listed on the board, to call.",
    )
    reason = forms.CharField(
        max_length=120, required=False, validators=ONE_LINE, help_text="For staff only; patients never see it."
    )

    def __init__(self, *args: Any, user: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        self.fields["therapist"].queryset = Therapist.objects.seen_by(user)  # type: ignore[attr-defined]

    def clean_answer_by(self) -> datetime:
        moment: datetime = self.cleaned_data["answer_by"]
        if moment < self.now + timedelta(minutes=30):
            raise ValidationError("Give patients at least half an hour to read it.")
        if moment > self.now + LONGEST:
            raise ValidationError("Choose three months from now at most.")
        return moment

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if typed.get("starts_at") and typed.get("ends_at"):
            typed["span"] = _checked(Span(typed["starts_at"], typed["ends_at"]), self.now)
        return typed

    @property
    def is_forged(self) -> bool:
        """What nobody types is not as our page wrote it."""
        return bool({"therapist", "starts_at", "ends_at", "first", "submission_key"} & set(self.errors))


class SettleForm(forms.Form):
    """What was agreed on the phone."""

    MOVE, ELSEWHERE, CANCEL, KEEP, REACHED = "move", "elsewhere", "cancel", "keep", "reached"
    seen = StartField(max_length=40, widget=forms.HiddenInput)
    agreed = forms.CharField(max_length=100)
    therapist = forms.ModelChoiceField(Therapist.objects.none(), to_field_name="slug", required=False, empty_label=None)
    starts_at = MomentField(label="Start", required=False)

    def __init__(self, *args: Any, among: list[Therapist] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        whom: Any = self.fields["therapist"]
        everyone = Therapist.objects.all()
        whom.queryset = everyone if among is None else everyone.filter(pk__in=[one.pk for one in among])

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        agreed = typed.get("agreed", "")
        if agreed in (self.CANCEL, self.KEEP, self.REACHED) or not agreed:
            return typed
        if agreed == self.ELSEWHERE:
            if not typed.get("starts_at") and "starts_at" not in self.errors:
                self.add_error("starts_at", "Choose a time.")
            return typed
        slug, start = PlaceField().clean(agreed)
        therapists: Any = self.fields["therapist"]
        typed |= {"therapist": therapists.queryset.filter(slug=slug).first(), "starts_at": start}
        if typed["therapist"] is None:
            raise ValidationError("Choose one of the times.")
        return typed


class EndForm(forms.Form):
    ends_at = MomentField(
        label="They are back from",
        required=False,
        help_text="Leave empty if they are back now, or were never away. Visits before that time stay on the board.",
    )


# ---- start ----------------------------------------------------------------------------------


@dataclass
class Row:
    """One visit of the preview: what is proposed, what staff have chosen, and why nobody can be written to."""

    proposal: Proposal
    why: str
    chosen: str
    by_phone: bool
    is_gone: bool = False

    @property
    def visit(self) -> Appointment:
        return self.proposal.visit

    @property
    def why_words(self) -> str:
        return str(AffectedVisit.Why(self.why).label) if self.why else ""

    @property
    def options(self) -> list[tuple[str, str]]:
        """The best first, the rest by time."""
        best, rest = self.proposal.best, sorted(self.proposal.others, key=lambda one: one.starts_at)
        offered = [best, *rest] if best else rest
        return [(_place(one.therapist, one.starts_at), _words(one.therapist, one.starts_at)) for one in offered]


def _place(therapist: Therapist, starts_at: datetime) -> str:
    return f"{therapist.slug} {timezone.localtime(starts_at).isoformat(timespec='minutes')}"


def _words(therapist: Therapist, starts_at: datetime) -> str:
    return f"{day_words(starts_at)}, {clock(starts_at)} with {therapist.short_name}"


@require_http_methods(["GET", "HEAD", "POST"])
def start_outage(request: HttpRequest) -> HttpResponse:
    """GET chooses and shows who is affected, and changes nothing; POST starts it."""
    _demand(request, *TO_ACT)
    now, clinic = timezone.now(), get_object_or_404(Clinic)
    if request.method == "POST":
        return _start(request, now, clinic.zone)
    is_asked = "when" in request.GET
    typed = request.GET if is_asked else None
    initial = {"therapist": request.GET.get("therapist", "")}
    form = SpanForm(typed, user=request.user, now=now, zone=clinic.zone, initial=initial)
    if not form.is_valid():
        context = {**admin.site.each_context(request), "title": "A therapist is out", "form": form}
        return render(request, "booking/desk/outages/span.html", context, status=422 if is_asked else 200)
    chosen = form.cleaned_data
    rows = _rows(request.user, chosen["therapist"], chosen["span"], FirstChoice(chosen["first"]), now, clinic.zone)
    start = StartForm(
        user=request.user,
        now=now,
        initial={
            "therapist": chosen["therapist"].slug,
            "starts_at": chosen["span"].start.isoformat(),
            "ends_at": chosen["span"].end.isoformat(),
            "first": chosen["first"],
            "submission_key": uuid.uuid4(),
            "answer_by": actions.usual_answer_by(now),
        },
    )
    return _preview(request, start, rows, chosen["therapist"], chosen["span"])


def _rows(user: Any, therapist: Therapist, span: Span, first: FirstChoice, now: datetime, zone: ZoneInfo) -> list[Row]:
    visits = actions.affected_by(therapist, span, now)
    proposals = propose(visits[:MOST_VISITS], out=span, first=first, among=colleagues(user), now=now, zone=zone)
    rows = []
    for one in proposals:
        best = _place(one.best.therapist, one.best.starts_at) if one.best else ""
        why = actions.why_by_phone(one.visit, now)
        rows.append(Row(one, why, best, by_phone=bool(why) or not best))
    return rows + [Row(Proposal(visit), actions.why_by_phone(visit, now), "", True) for visit in visits[MOST_VISITS:]]


def _start(request: HttpRequest, now: datetime, zone: ZoneInfo) -> HttpResponse:
    form = StartForm(request.POST, user=request.user, now=now)
    if not form.is_valid() and form.is_forged:
        raise SuspiciousOperation("a hidden field was changed")
    therapist, first = form.cleaned_data["therapist"], FirstChoice(form.cleaned_data["first"])
    plans, refusal = _plans(request, colleagues(request.user)), None
    if form.is_valid():
        try:
            typed = form.cleaned_data
            outage = actions.start_outage(
                therapist=therapist,
                span=typed["span"],
                answer_by=typed["answer_by"],
                plans=plans,
                reason=typed["reason"],
                by=request.user,
                submission_key=typed["submission_key"],
            )
            messages.success(request, _said_of_started(outage, now))
            return redirect("admin:outage", outage.pk)
        except actions.AlreadyOutError:
            messages.warning(request, "A colleague has already started this. No e-mail was sent a second time.")
            return redirect("admin:outages")
        except (actions.SlotTakenError, actions.SubmissionReusedError) as caught:
            refusal = caught
            form.add_error(None, _why_not(refusal))
    span = form.cleaned_data.get("span") or Span(form.cleaned_data["starts_at"], form.cleaned_data["ends_at"])
    rows = _rows(request.user, therapist, span, first, now, zone)
    gone = {visit.pk for visit in getattr(refusal, "visits", [])}
    for row in rows:
        _keep_choice(row, plans.get(row.visit.pk), is_gone=row.visit.pk in gone)
    return _preview(request, form, rows, therapist, span, status=409 if refusal else 422)


def _said_of_started(outage: Outage, now: datetime) -> str:
    lines = list(outage.visits.select_related("hold", "visit").with_delivery())
    told = {line.visit.email.lower() for line in lines if line.bucket(now) == Bucket.WAITING}
    to_call = sum(line.bucket(now) == Bucket.TO_PHONE for line in lines)
    mails = (
        "1 e-mail leaves now" if len(told) == 1 else f"{len(told)} e-mails leave now" if told else "No e-mail is sent"
    )
    calls = f"{to_call} visit{pluralize(to_call, ' needs,s need')} a call" if to_call else "nobody is left to call"
    return f"{outage.therapist.short_name} is out. {mails}; {calls}."


def _why_not(refusal: actions.RefusalError) -> str:
    if isinstance(refusal, actions.AlternativesGoneError):
        number = len(refusal.visits)
        said = "One time has" if number == 1 else f"{number} times have"
        return f"{said} been taken meanwhile, or chosen twice: see below. No e-mail was sent, and nothing is held yet."
    if isinstance(refusal, actions.SubmissionReusedError):
        return "This page has already started one. Please open it again."
    return "One of the times has been taken meanwhile. No e-mail was sent, and nothing is held yet."


def _keep_choice(row: Row, plan: actions.OutagePlan | None, *, is_gone: bool) -> None:
    """What staff had chosen, where it is still there to choose."""
    row.is_gone = is_gone
    if plan is None:
        return
    if plan.therapist and plan.starts_at and not is_gone:
        row.chosen = _place(plan.therapist, plan.starts_at)
        if row.chosen not in dict(row.options):
            row.proposal.others.insert(0, Alternative(plan.therapist, plan.starts_at))
    elif not is_gone:
        row.chosen = ""
    row.by_phone = plan.by_phone or bool(row.why)


def _plans(request: HttpRequest, among: list[Therapist] | None) -> dict[int, actions.OutagePlan]:
    """By visit, from fields named for it. Raises SuspiciousOperation for what our page never writes."""
    by_slug = {one.slug: one for one in (Therapist.objects.all() if among is None else among)}
    plans = {}
    for name, value in request.POST.items():
        number = name.removeprefix("time-")
        if number == name:
            continue
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise SuspiciousOperation("not a visit")
        try:
            slug, start = PlaceField(required=False).clean(value) or ("", None)
        except ValidationError as error:
            raise SuspiciousOperation("not a time") from error
        if slug and slug not in by_slug:
            raise SuspiciousOperation("not a therapist")
        plans[int(number)] = actions.OutagePlan(by_slug.get(slug), start, by_phone=f"phone-{number}" in request.POST)
    return plans


def _preview(
    request: HttpRequest, form: StartForm, rows: list[Row], therapist: Therapist, span: Span, status: int = 200
) -> HttpResponse:
    _note(request, Look.LIST)
    context = {
        **admin.site.each_context(request),
        "title": "Who is affected",
        "form": form,
        "rows": rows,
        "therapist": therapist,
        "span": span,
        "mails": len({row.visit.email.lower() for row in rows if not row.by_phone}),
    }
    return render(request, "booking/desk/outages/start.html", context, status=status)


# ---- the boards -----------------------------------------------------------------------------


@dataclass
class Summary:
    """One outage with how many of its visits are where."""

    outage: Outage
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def in_words(self) -> list[tuple[str, str, int]]:
        return [(one.value, str(one.label), self.counts[one.value]) for one in Bucket]


def summaries(outages: Iterable[Outage], now: datetime) -> list[Summary]:
    """Two queries, however many outages and visits."""
    found = {outage.pk: Summary(outage) for outage in outages}
    lines = AffectedVisit.objects.filter(outage__in=found).select_related("hold").with_delivery()
    for line in lines:
        found[line.outage_id].counts[line.bucket(now).value] += 1
    return list(found.values())


def open_outages(user: Any, now: datetime) -> list[Summary]:
    """For the desk's first page."""
    return summaries(Outage.objects.seen_by(user).to_do(now).select_related("therapist"), now)


@require_safe
def outages(request: HttpRequest) -> HttpResponse:
    """All that is in hand, and what came last. It names no patient. With `?start` and nothing in hand, the way on."""
    _demand(request)
    now = timezone.now()
    theirs = Outage.objects.seen_by(request.user).select_related("therapist")
    in_hand = list(theirs.to_do(now))
    if "start" in request.GET and not in_hand and may_act(request.user):
        return redirect("admin:start_outage")
    past = theirs.exclude(pk__in=[one.pk for one in in_hand])[:MOST_PAST]
    context = {
        **admin.site.each_context(request),
        "title": "Therapists who are out",
        "in_hand": summaries(in_hand, now),
        "past": summaries(past, now),
        "may_act": may_act(request.user),
    }
    return render(request, "booking/desk/outages/list.html", context)


@dataclass(frozen=True)
class Shown:
    """A line of the board. A therapist does not see whose visit it is once it is a colleague's."""

    line: AffectedVisit
    is_theirs: bool
    is_held: bool
    undelivered: str


@require_safe
def outage(request: HttpRequest, pk: int) -> HttpResponse:
    _demand(request)
    found, now = _found(request, pk), timezone.now()
    lines: list[Any] = list(found.visits.with_delivery().in_order())
    seen = set(Appointment.objects.seen_by(request.user).filter(affected__outage=found).values_list("pk", flat=True))
    boxes: dict[str, list[Shown]] = {bucket.value: [] for bucket in Bucket}
    for line in lines:
        told: Any = getattr(line, "delivery", None)  # by with_delivery
        not_there = told not in (None, "queued", "sent", "phoned") and line.state == "waiting"
        shown = Shown(line, line.visit_id in seen, line.is_held(now), str(Delivery(told).label) if not_there else "")
        boxes[line.bucket(now).value].append(shown)
    _note(request, Look.OPENED, found.pk)
    context = {
        **admin.site.each_context(request),
        "title": f"{found.therapist.short_name} is out",
        "outage": found,
        "boxes": [(bucket.value, str(bucket.label), boxes[bucket.value]) for bucket in Bucket],
        "may_act": may_act(request.user),
        "is_over": found.is_over(now),
        "now": now,
    }
    return render(request, "booking/desk/outages/board.html", context)


def _found(request: HttpRequest, pk: int) -> Outage:
    theirs = Outage.objects.seen_by(request.user).select_related("therapist", "started_by", "absence")
    found: Outage = get_object_or_404(theirs, pk=pk)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def settle_outage(request: HttpRequest, pk: int, line: int) -> HttpResponse:
    """One patient on the phone: what was agreed?"""
    _demand(request, *TO_ACT)
    found, now = _found(request, pk), timezone.now()
    present: AffectedVisit = get_object_or_404(found.visits.in_order(), pk=line)
    if not Appointment.objects.seen_by(request.user).filter(pk=present.visit_id).exists():
        raise Http404
    if not present.is_open:
        if request.method == "POST":
            messages.warning(request, "A colleague or the patient was quicker: it is settled already; see below.")
        return redirect(found)
    among = colleagues(request.user)
    form = SettleForm(
        request.POST or None,
        among=among,
        initial={"seen": present.visit.starts_at.isoformat(), "therapist": present.visit.therapist.slug},
    )
    if request.method == "POST" and form.is_valid() and _settle(request, present, form):
        return redirect(found)
    if "seen" in form.errors:
        raise SuspiciousOperation("a hidden field was changed")
    _note(request, Look.OPENED, found.pk)
    [proposal] = propose(
        [present.visit], out=found.span, first=None, among=among, now=now, zone=Clinic.objects.current().zone
    )
    others = [(_place(one.therapist, one.starts_at), _words(one.therapist, one.starts_at)) for one in proposal.all]
    context = {
        **admin.site.each_context(request),
        "title": "What was agreed?",
        "outage": found,
        "line": present,
        "is_held": present.is_held(now),
        "held": _place(present.therapist, present.starts_at) if present.therapist and present.starts_at else "",
        "others": sorted(others, key=lambda one: one[0].partition(" ")[2]),
        "form": form,
        "agreed": request.POST.get("agreed", ""),
    }
    return render(request, "booking/desk/outages/settle.html", context, status=409 if form.errors else 200)


def _settle(request: HttpRequest, line: AffectedVisit, form: SettleForm) -> bool:
    """Whether it came to an end; else the form says why not."""
    typed, who, staff = form.cleaned_data, request.user, actions.Actor.STAFF
    try:
        if typed["seen"] != line.visit.starts_at:
            raise actions.StateChangedError
        match typed["agreed"]:
            case SettleForm.CANCEL:
                actions.cancel_affected(line=line, by=staff, who=who)
                said = f"Cancelled, and the time that was held is free again. {_told_of(line)}"
            case SettleForm.KEEP:
                actions.keep_affected(line=line, who=who)
                said = "Saved: the visit takes place as planned."
            case SettleForm.REACHED:
                actions.note_reached(line=line, who=who)
                said = "Saved: they know. The visit stays on the board until it is settled."
            case _:
                moved = actions.take_other_time(
                    line=line, therapist=typed["therapist"], starts_at=typed["starts_at"], by=staff, who=who
                )
                said = f"Moved to {_words(moved.therapist, moved.starts_at)}. {_told_of(line)}"
    except actions.StateChangedError:
        messages.warning(request, "A colleague or the patient was quicker: it is settled already; see below.")
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        is_taken = isinstance(refusal, actions.SlotTakenError)
        outside = "That is outside working hours, or not one of the start times."
        why = "Something is already booked then." if is_taken else outside
        form.add_error(None, f"{why} Nothing was changed; choose another time.")
        return False
    else:
        messages.success(request, said)
    return True


def _told_of(line: AffectedVisit) -> str:
    if line.visit.email:
        return "The patient is told by e-mail."
    return "There is no e-mail address: what you said on the phone is all they get."


@require_http_methods(["GET", "HEAD", "POST"])
def end_outage(request: HttpRequest, pk: int) -> HttpResponse:
    """The therapist is back earlier, or was never away. GET asks once more."""
    _demand(request, *TO_ACT)
    found, now = _found(request, pk), timezone.now()
    if found.is_over(now):
        messages.warning(request, "It is already over.")
        return redirect(found)
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            number = actions.end_outage(outage=found, ends_at=form.cleaned_data["ends_at"], by=request.user)
            visits = "1 visit takes" if number == 1 else f"{number} visits take"
            messages.success(request, f"{visits} place as planned. Patients who had been told otherwise get an e-mail.")
            return redirect(found)
        except actions.NotOfferedError:
            form.add_error("ends_at", "That is not earlier than planned. For a longer absence, start another one.")
        except actions.StateChangedError:
            messages.warning(request, "A colleague was quicker; see below.")
            return redirect(found)
    context = {
        **admin.site.each_context(request),
        "title": "They are back earlier",
        "outage": found,
        "form": form,
        "number": found.visits.open().filter(Q(visit__starts_at__gt=now)).count(),
    }
    return render(request, "booking/desk/outages/end.html", context, status=422 if form.errors else 200)
