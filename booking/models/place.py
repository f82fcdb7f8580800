"""Place: the clinic's address, and what patients need to know of it before they come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from revival.base.bidi import isolate

from .facts import Fact, WithExamples, line_field, lines_of, several_lines, text_field

MOST_TREATED, LONGEST_TREATED = 20, 80
ARTICLE = re.compile(r"(?:https?://[^/\s]+)?/articles/([-\w]+)/?")


@dataclass(frozen=True)
class Treated:
    """A problem that the clinic treats; `article` is the slug of the article about it, if one was named."""

    name: str
    article: str = ""

    @property
    def url(self) -> str:
        return reverse("articles:detail", args=[self.article]) if self.article else ""


def treated_in(text: str) -> list[Treated]:
    """One for each line."""
    return [_treated(line) for line in lines_of(text)]


def _treated(line: str) -> Treated:
    before, _space, last = line.rpartition(" ")
    article = ARTICLE.fullmatch(last)
    return Treated(before.strip(), article[1]) if article and before else Treated(line)


def check_treated(text: str) -> None:
    """Refuse addresses that lead to no article of this site, and lists that are too long to read."""
    rows = treated_in(text)
    for row in rows:
        if not row.article and row.name.rpartition(" ")[2].startswith(("/", "http://", "https://")):
            raise ValidationError(
                _("“%(line)s”: after the words give the address of an article of this site, such as %(address)s."),
                params={"line": isolate(row.name), "address": "/articles/cupping-for-back-pain/"},
            )
    if len(rows) > MOST_TREATED or any(len(row.name) > LONGEST_TREATED for row in rows):
        raise ValidationError(
            _("Give at most %(most)s lines of at most %(longest)s characters each."),
            params={"most": MOST_TREATED, "longest": LONGEST_TREATED},
        )


class Insurance(models.TextChoices):
    UNKNOWN = "", "Not said: left out of every page"
    LISTED = "listed", "We take these"
    ASK = "ask", "Ask us"
    NONE = "none", "We take none"


class Place(WithExamples):
    """The clinic's address and the facts of the part "Before you come". Pages and mails leave out what is empty."""

    address_line = models.TextField(
        "address",
        db_column="address",  # its name while it was the whole address
        max_length=500,
        blank=True,
        validators=several_lines(500),
        help_text="Street and number, on a second line the suite. Shown in the footer and on visits when set.",
    )
    city = line_field(80)
    state = line_field(40, help_text="Such as MN.")
    postal_code = line_field(20, verbose_name="ZIP code")
    directions = text_field(help_text="The way here, by bus, train or car.")
    parking = text_field(help_text="Where to leave the car, and what it costs.")
    arrival = text_field(
        verbose_name="when you arrive", help_text="Which door, which floor, how early, what to fill in first."
    )
    building_access = text_field(
        verbose_name="getting into the building", help_text="Steps, elevator, wide doors, restroom, help at the door."
    )
    what_to_wear = text_field()
    what_to_bring = text_field()
    languages = line_field(200, help_text="Spoken at the clinic, such as “English and Spanish”.")
    insurance = models.CharField(max_length=6, choices=Insurance, blank=True, default=Insurance.UNKNOWN)
    insurance_names = text_field(verbose_name="insurance you take", help_text="One per line.")
    treats = models.TextField(
        "what you treat",
        max_length=2000,
        blank=True,
        validators=[*several_lines(2000), check_treated],
        help_text="One per line, the most common first. To lead to an article, paste its address after the words.",
    )

    class Meta:
        abstract = True

    @property
    def address(self) -> str:
        """The whole address as an envelope has it; empty while nothing of it is set."""
        region = " ".join(part for part in (self.state, self.postal_code) if part)
        return "\n".join(
            (*lines_of(self.address_line), *lines_of(", ".join(part for part in (self.city, region) if part)))
        )

    @property
    def has_whole_address(self) -> bool:
        return all((self.address_line, self.city, self.state, self.postal_code))

    @property
    def directions_url(self) -> str:
        """The way here on a map, by the documented address that opens a phone's map application."""
        return "https://www.google.com/maps/dir/?" + urlencode(
            {"api": 1, "destination": " ".join(self.address.split())}
        )

    @property
    def treated(self) -> list[Treated]:
        return treated_in(self.treats)

    def place_facts(self) -> Iterator[Fact]:
        lines, link = self.address.splitlines(), gettext("Directions, on Google Maps")
        yield from self.fact("address_line", _("Where"), lines, url=self.directions_url, link=link)

    def preparation_facts(self) -> Iterator[Fact]:
        yield from self.fact("directions", _("Getting here"))
        yield from self.fact("parking", _("Parking"))
        yield from self.fact("arrival", _("When you arrive"))
        yield from self.fact("building_access", _("Getting into the building"))
        yield from self.fact("what_to_wear", _("What to wear"))
        yield from self.fact("what_to_bring", _("What to bring"))
        yield from self.fact("languages", _("Languages we speak"))

    def insurance_facts(self) -> Iterator[Fact]:
        words: dict[str, tuple[str, ...]] = {
            Insurance.LISTED: lines_of(self.insurance_names),
            Insurance.ASK: (gettext("Ask us whether yours covers the visit."),),
            Insurance.NONE: (gettext("We take no insurance."),),
        }
        yield from self.fact("insurance", _("Insurance"), words.get(self.insurance, ()))


INSURANCE_IS_NAMED = models.CheckConstraint(
    name="booking_clinic_names_the_insurance_it_takes",
    condition=~Q(insurance=Insurance.LISTED) | ~Q(insurance_names=""),
    violation_error_message="Name the insurance you take, one per line, or choose another answer.",
)
