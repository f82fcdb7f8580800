"""The visits that a series form proposes: what is wished for, what is chosen, and why a time cannot be booked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from booking.desk.base.causes import Sentence, never_words, sentences
from booking.desk.base.fields import read_moment
from booking.models import MOST_VISITS, Answer, Audience, Clinic, Terms, Therapist, ask
from booking.time.recurrence import MOST_DAYS_AWAY, meeting, near, wished_starts
from revival.base.clock import ONE_DAY

from .form import SeriesForm

OUT = "out"
"""Value of a visit that is left out."""
PART_OF_PLAN = re.compile(r"(wish|visit|other)-[0-9]{1,2}")


@dataclass
class PlannedVisit:
    """One visit of the plan. `wish` is the start the pattern means, `start` the one chosen; None is left out."""

    number: int
    wish: datetime
    start: datetime | None
    typed: str = ""  # another time, as it was typed; only while it cannot be read
    trouble: list[Sentence] = field(default_factory=list)
    options: list[datetime] = field(default_factory=list)

    @property
    def bookable_start(self) -> datetime | None:
        """The chosen start, unless it cannot be booked."""
        return None if self.trouble else self.start

    @property
    def is_changed(self) -> bool:
        return self.start != self.wish

    @property
    def shown_start(self) -> datetime:
        return self.start or self.wish


@dataclass
class SeriesPlan:
    """All visits of a series. `is_new` when they have just been proposed, and nobody has seen them yet.

    `never` says what keeps this therapist and service from being booked at any time.
    """

    visits: list[PlannedVisit]
    is_new: bool
    never: list[Sentence]

    @property
    def starts(self) -> list[datetime]:
        return [visit.start for visit in self.visits if visit.start is not None]

    @property
    def in_trouble(self) -> list[PlannedVisit]:
        return [visit for visit in self.visits if visit.trouble]


def plan_series(form: SeriesForm, *, propose: bool) -> SeriesPlan:
    """The visits as chosen, each with other free times and the reasons why it cannot be booked.

    They are proposed anew when `propose` is true, or when the pattern has changed since they were proposed.
    """
    now, zone = timezone.now(), Clinic.objects.current().zone
    terms = Terms.anew(form.cleaned_data["service"], Audience.STAFF)
    therapist = Therapist.objects.for_service(terms.service).get(pk=form.cleaned_data["therapist"].pk)
    is_same_pattern = form.data.get("planned") == form.pattern_typed
    visits = _sent_visits(form.data) if is_same_pattern and not propose else []
    is_new = not visits
    days = {form.pattern.first, form.pattern.last, *(visit.shown_start.astimezone(zone).date() for visit in visits)}
    # Only days that can be booked: what was sent back may name a day centuries away, and reading until then is slow.
    first = max(min(days) - MOST_DAYS_AWAY * ONE_DAY, now.astimezone(zone).date())
    last = min(max(days) + MOST_DAYS_AWAY * ONE_DAY, terms.last_day(now, zone))
    answer = ask(terms, [therapist], first=first, last=last, now=now, zone=zone)
    free = answer.free_times[therapist]
    if is_new:
        starts = wished_starts(form.pattern, free, suits=form.suits, zone=zone)
        visits = [PlannedVisit(number, start, start) for number, start in enumerate(starts, start=1)]
    plan = SeriesPlan(visits, is_new, never_words(terms, therapist))
    _find_trouble(plan, answer, therapist, now)
    _find_options(plan, form, terms, free, zone)
    return plan


def _sent_visits(data: Mapping[str, str]) -> list[PlannedVisit]:
    """The visits that the page sent back; none when it is not what our page writes."""
    visits = []
    for number in range(1, MOST_VISITS + 1):
        if f"wish-{number}" not in data:
            break
        visit = _sent_visit(number, data)
        if visit is None:
            return []
        visits.append(visit)
    return visits


def _sent_visit(number: int, data: Mapping[str, str]) -> PlannedVisit | None:
    wish, picked = read_moment(data[f"wish-{number}"]), data.get(f"visit-{number}", "")
    typed = data.get(f"other-{number}", "").strip()
    start = read_moment(typed or picked)
    if wish is None:
        return None
    if typed:
        trouble = [] if start else [Sentence(f"“{typed}” is not a time on the clinic’s clock.")]
        return PlannedVisit(number, wish, start or wish, "" if start else typed, trouble)
    if not picked:
        return PlannedVisit(number, wish, wish, trouble=[Sentence("Choose a time for it, or leave it out.")])
    return PlannedVisit(number, wish, start) if start or picked == OUT else None


def plan_as_sent(data: Mapping[str, str]) -> list[tuple[str, str]]:
    """The plan as pairs for hidden fields, while the pattern has errors."""
    return [(name, value) for name, value in data.items() if name == "planned" or PART_OF_PLAN.fullmatch(name)]


def _find_trouble(plan: SeriesPlan, answer: Answer, therapist: Therapist, now: datetime) -> None:
    """Note for each chosen visit why it cannot be booked, and which visits overlap an earlier one."""
    free = set(answer.free_times[therapist])
    not_free = sorted({start for start in plan.starts if start not in free})
    whys = [answer.why_not(therapist, start) for start in not_free]
    causes = dict(zip(not_free, sentences(whys, now=now), strict=True))
    rest = [start for start in plan.starts if start not in causes]
    overlapping = meeting(rest, busy=answer.terms.busy)
    seen: set[datetime] = set()
    for visit in plan.visits:
        start = visit.start
        if start is None:
            continue
        visit.trouble += causes.get(start, [])
        if start in overlapping and (start in seen or rest.count(start) == 1):
            visit.trouble.append(Sentence("It overlaps another visit in this series."))
        seen.add(start)


def _find_options(plan: SeriesPlan, form: SeriesForm, terms: Terms, free: list[datetime], zone: ZoneInfo) -> None:
    """Offer for each visit the free times near its wish that no other visit of the series takes."""
    bookable = set(free)
    for visit in plan.visits:
        besides = [other.bookable_start for other in plan.visits if other is not visit and other.bookable_start]
        others = near(visit.wish, free, besides=besides, busy=terms.busy, suits=form.suits, zone=zone)
        own = {start for start in (visit.wish, visit.start) if start in bookable and start not in besides}
        visit.options = sorted({*others, *own})
