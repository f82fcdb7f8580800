"""PageState: what a patients' page says in one state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html

from booking.models import Clinic
from revival.base.bidi import bdi

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class PageState:
    """Texts of a page in one state; what is empty is left out. HTML in them is our own."""

    title: StrOrPromise = ""
    """In the browser's tab."""
    heading: StrOrPromise = ""
    lead: StrOrPromise = ""
    lead_with_deadline: StrOrPromise = ""
    """Instead of `lead` where staff have to answer by a known time (`answer_by`)."""
    tag: StrOrPromise = ""
    """A few words in a colored box, such as Confirmed."""
    has_tick: bool = False
    """Whether the tag begins with a tick."""
    is_over: bool = False
    """Whether the tag is drawn gray: the visit will not take place, or not then."""
    is_news: bool = False
    """Whether the lead is announced by screen readers (WAI-ARIA role `status`)."""
    takes_focus: bool = False
    next_step: str = ""
    """The template of what the patient can do now."""

    def filled(self, *, answer_by: object = None, **names: object) -> PageState:
        """The same state with the names in braces replaced, each escaped and isolated as in a template."""
        lead = self.lead_with_deadline if answer_by and self.lead_with_deadline else self.lead
        names = {name: bdi(value) for name, value in names.items()}
        names |= {"answer_by": answer_by, "book_url": reverse("booking:choose")}
        return replace(
            self,
            heading=format_html(str(self.heading), **names),
            lead=format_html(str(lead), **names),
            tag=format_html(str(self.tag), **names),
        )


def phone_names(clinic: Clinic) -> dict[str, str]:
    return {"phone": clinic.phone, "phone_link": clinic.phone_link}
