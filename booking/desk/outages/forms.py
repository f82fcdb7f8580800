"""Forms of the outage pages. As everywhere, a form checks order and bounds; the action decides."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from booking.desk.base.fields import MomentField, TherapistField, offer_therapists
from booking.fields import ONE_LINE, DecisionForm, PlaceField, StartField
from booking.models import FirstChoice, Therapist
from revival.base.clock import MIDNIGHT, ONE_DAY, Span, bounds_of_days, instant_of, is_in_era
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.desk_parts.widgets import ClockInput, DayInput
from revival.base.django_types import FormValues, Passed

LONGEST = timedelta(days=92)


class SpanForm(forms.Form):
    """The therapist who is out, and when. It is sent by GET: nothing in it is about a patient."""

    PRESETS = [
        ("today", "The rest of today"),
        ("tomorrow", "Tomorrow"),
        ("week", "From now to the end of this week"),
        ("dates", "From and until, as below"),
    ]
    therapist = TherapistField(label="Who is out?")
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
        help_text="This sets the first suggestion only; you can change it for each patient.",
    )

    def __init__(self, *args: Passed, user: StaffUser, now: datetime, zone: ZoneInfo, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.now, self.zone = now, zone
        offer_therapists(self, user)

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        if self.errors:
            return cleaned_data
        today = self.now.astimezone(self.zone).date()
        span = self._preset(cleaned_data["when"], today) or self._dates(cleaned_data)
        if span is not None:
            cleaned_data["span"] = _check_span(span, self.now)
        return cleaned_data

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

    def _dates(self, cleaned_data: FormValues) -> Span | None:
        first, last = cleaned_data.get("first_day"), cleaned_data.get("last_day") or cleaned_data.get("first_day")
        if first is None or last is None:
            self.add_error("first_day", "Choose the first day.")
            return None
        if not (is_in_era(first) and is_in_era(last)):
            self.add_error("first_day", "Choose a date between 2001 and 2899.")
            return None
        ends = cleaned_data.get("last_time")
        end = instant_of(last, ends, self.zone) if ends else instant_of(last + ONE_DAY, MIDNIGHT, self.zone)
        return Span(instant_of(first, cleaned_data.get("first_time") or time(0), self.zone), end)


def _check_span(span: Span, now: datetime) -> Span:
    if span.start >= span.end:
        raise ValidationError("It ends before it begins.")
    if span.end <= now:
        raise ValidationError("That time has gone by.")
    if span.end - span.start > LONGEST:
        raise ValidationError("Choose three months at most. Start a longer absence in parts.")
    return span


class StartForm(forms.Form):
    """The preview as it is sent: the span, until when times are held, the reason.

    The choices for each visit are sent beside it, in fields named for the visit (`booking.desk.outages.proposal`).
    """

    therapist = TherapistField(widget=forms.HiddenInput)
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

    def __init__(self, *args: Passed, user: StaffUser, now: datetime, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        offer_therapists(self, user)

    def clean_answer_by(self) -> datetime:
        moment: datetime = self.cleaned_data["answer_by"]
        if moment < self.now + timedelta(minutes=30):
            raise ValidationError("Give patients at least half an hour to read it.")
        if moment > self.now + LONGEST:
            raise ValidationError("Choose three months from now at most.")
        return moment

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        if cleaned_data.get("starts_at") and cleaned_data.get("ends_at"):
            cleaned_data["span"] = _check_span(Span(cleaned_data["starts_at"], cleaned_data["ends_at"]), self.now)
        return cleaned_data

    @property
    def is_forged(self) -> bool:
        """Whether a hidden field is not as our page wrote it."""
        return bool({"therapist", "starts_at", "ends_at", "first", "submission_key"} & set(self.errors))


class SettleForm(DecisionForm):
    """What staff and the patient agreed on the phone."""

    ELSEWHERE, CANCEL, KEEP, REACHED = "elsewhere", "cancel", "keep", "reached"
    WITHOUT_TIME = [
        (ELSEWHERE, "Another time, as below"),
        (CANCEL, "Cancel the visit"),
        (KEEP, "It takes place as planned"),
        (REACHED, "Reached, but not decided yet"),
    ]
    agreed = forms.CharField(max_length=100)
    therapist = TherapistField(required=False)
    starts_at = MomentField(label="Start", required=False)

    def __init__(self, *args: Passed, user: StaffUser, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.therapists = offer_therapists(self, user)

    def clean(self) -> FormValues:
        """`therapist` and `starts_at` become those of the time that was agreed."""
        cleaned_data = super().clean() or {}
        agreed = cleaned_data.get("agreed", "")
        if agreed in (self.CANCEL, self.KEEP, self.REACHED) or not agreed:
            return cleaned_data
        if agreed == self.ELSEWHERE:
            if not cleaned_data.get("starts_at") and "starts_at" not in self.errors:
                self.add_error("starts_at", "Choose a time.")
            if not cleaned_data.get("therapist") and "therapist" not in self.errors:
                self.add_error("therapist", "Choose a therapist.")
            return cleaned_data
        slug, start = PlaceField().clean(agreed)
        therapist = self.therapists.filter(slug=slug).first()
        if therapist is None:
            raise ValidationError("Choose one of the times.")
        return cleaned_data | {"therapist": therapist, "starts_at": start}

    @property
    def other_place(self) -> tuple[Therapist | None, datetime | None]:
        """Therapist and start of the other time that was chosen, also while it is only looked at; else None twice."""
        if not self.is_bound:
            start = self.initial.get("starts_at")
            therapist = self.therapists.filter(slug=self.initial["therapist"]).first()
            return therapist, start if isinstance(start, datetime) else None
        if not self.is_valid() or self.cleaned_data["agreed"] in (self.CANCEL, self.KEEP, self.REACHED):
            return None, None
        return self.cleaned_data["therapist"], self.cleaned_data["starts_at"]


class EndForm(DecisionForm):
    ends_at = MomentField(
        label="They are back from",
        required=False,
        help_text="Leave empty if they are back now, or were never away. Visits before that time stay on the board.",
    )
