"""Form part that keeps robots out: a field that only they fill in, the moment a page first drew a form, one question.

Whoever fills in the trap, or sends a form sooner than a person can, is asked to check one box. Everything typed is
kept, and nothing is stored or sent before. Browsers and password managers, too, fill in what they should not, and a
page opened with Back is sent at once: so nobody is turned away here. Decided in docs/decisions/limits.md.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

GOOD_FOR = timedelta(days=1)
SEEN_BEFORE = timedelta(hours=1)
"""How old a form is at most when it is drawn for somebody who saw one before."""


class StampField(forms.CharField):
    """The moment at which a page first drew a form, signed, so that a robot cannot make it up."""

    widget = forms.HiddenInput
    signer = signing.Signer(salt="form-drawn-at")

    @classmethod
    def stamp(cls, moment: datetime) -> str:
        return cls.signer.sign(str(int(moment.timestamp())))

    def clean(self, value: object) -> datetime | None:
        if not self.required and value in self.empty_values:
            return None
        try:
            return datetime.fromtimestamp(int(self.signer.unsign(super().clean(value))), tz=UTC)
        except (signing.BadSignature, ValueError, OverflowError, OSError) as error:
            raise ValidationError("not a stamp of ours") from error


class TrapField(forms.Field):
    """Whether anything was typed where people see nothing. Never an error, which would lead a person there."""

    # Its name and label are no kind of data that browsers and password managers fill in by themselves.
    widget = forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})

    def clean(self, value: object) -> bool:
        return value not in self.empty_values


class AgingForm(forms.Form):
    """A form that is not taken once its page is older than a day: `renew_if_old`.

    What stood beside it, free times, prices and consent, may be another by then.
    """

    drawn_at = StampField()
    submission_key = forms.UUIDField(widget=forms.HiddenInput)

    def renew_if_old(self, now: datetime) -> bool:
        """Have an old form drawn again with all that was typed, as a new one. For a form that is valid or not."""
        if "drawn_at" in self.errors or not self._is_old(now):
            return False
        stamp = StampField.stamp(now - SEEN_BEFORE)  # else it would be sent too soon
        data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data.update({"drawn_at": stamp, "submission_key": str(uuid.uuid4()), "asked": ""})
        for name in ("drawn_at", "submission_key", "asked"):
            data.setlist(name, data.getlist(name)[-1:])
        data.pop("is_person", None)
        self.data = data
        self.add_error(
            None,
            _(
                "This page was open for more than a day, so nothing was sent. Everything you typed is kept. "
                "Look it over and send it once more, unless you sent it before."
            ),
        )
        return True

    def _is_old(self, now: datetime) -> bool:
        drawn_at = self.cleaned_data["drawn_at"]
        return drawn_at is None or now - drawn_at > GOOD_FOR


class RobotCheck(AgingForm):
    """A form that asks whether a person sends it, when a robot may have: `has_to_ask`."""

    topic = TrapField(label=_("Leave this empty"), required=False)  # hidden from people by CSS and `aria-hidden`
    is_person = forms.BooleanField(label=_("I am a person"), required=False)  # drawn by the page once the form asks
    asked = forms.CharField(widget=forms.HiddenInput, required=False)

    asking = signing.Signer(salt="asked-whether-a-person")

    @property
    def is_asking(self) -> bool:
        """Whether this form asks, or has asked, for the box to be checked; the sign is good for this form alone."""
        key, sign = (self.data.get(name) or "" for name in ("submission_key", "asked"))
        return bool(sign) and constant_time_compare(sign, self.asking.signature(key))

    def is_doubtful(self, now: datetime) -> bool:
        """Whether a robot may have sent this: the trap was filled in, or the form was sent too soon.

        The stamp is signed, so a stamp in the future is ours, too: the server's clock was put back meanwhile.
        """
        if self.cleaned_data["topic"]:
            return True
        if self.is_asking:
            return not self.cleaned_data["is_person"]
        least, elapsed = timedelta(seconds=settings.BOOKING_LEAST_SECONDS), now - self.cleaned_data["drawn_at"]
        return timedelta(0) <= elapsed < least

    def can_be_taken(self, now: datetime) -> bool:
        """Whether it is valid, not too old and not doubtful; else the page is drawn again with everything typed."""
        return not self.renew_if_old(now) and self.is_valid() and not self.has_to_ask(now)

    def has_to_ask(self, now: datetime) -> bool:
        """Whether the page has to be drawn again, with the question and everything typed. For a form that is valid."""
        if not self.is_doubtful(now):
            return False
        data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data["topic"], data["asked"] = "", self.asking.signature(data["submission_key"])
        data.pop("is_person", None)
        self.data = data
        question = _(
            "Check “I am a person” and send it once more. Nothing is sent yet, and everything you typed is kept."
        )
        self.add_error("is_person", question)
        return True
