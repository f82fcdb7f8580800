"""What every list offers and what every action accepts, in random clinics, compared with a slow oracle.

Controls take a condition out of the rule, and let a list and a guard go around it: each must be noticed.
"""

from __future__ import annotations

import ast
import random
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from booking import actions
from booking.desk import first_page
from booking.desk.base.free_times_panel import nearest_others
from booking.mail.other_times import free_other_times
from booking.models import (
    AffectedVisit,
    Appointment,
    Audience,
    Clinic,
    FreedTime,
    State,
    Terms,
    Therapist,
    ask,
    propose,
    working_time,
)
from booking.models import free as the_rule
from booking.time.availability import Cause, free_starts
from revival.base.clock import ONE_DAY, Span, bounds_of_days
from tests.exhaustive import EXHAUSTIVE
from tests.factories import CHICAGO, a_therapist, an_appointment, joins, some_details, version_of
from tests.staff import FRONT_DESK, at_the_desk, staff_user

from .free_oracle import MOMENTS, Oracle, a_random_clinic, probes

pytestmark = pytest.mark.django_db

REFUSALS = (actions.SlotTakenError, actions.NotOfferedError, actions.NotAllFreeError)
IN_LISTS = re.compile(r'(?:type="radio"|class="start[^"]*") name="start" value="([^"]+)"')
IN_PANELS = re.compile(r'name="look" value="([^"]+)"')
WEEK = 7


class World:
    """One random clinic at one moment, with one therapist and service to ask about, and a visit that may move."""

    def __init__(self, seed: int, colleague: User) -> None:
        self.dice = random.Random(seed)
        self.now = timezone.now()
        self.colleague, self.desk, self.guest = colleague, at_the_desk(colleague), Client()
        self.therapists, self.services = a_random_clinic(self.dice)
        self.therapist, self.service = self.dice.choice(self.therapists), self.dice.choice(self.services)
        self.oracle = Oracle(self.now)
        self.today = self.now.astimezone(CHICAGO).date()
        self.first = self.today + timedelta(days=self.dice.randint(0, 2))
        visits = Appointment.objects.filter(state=State.CONFIRMED, starts_at__gt=self.now).in_order()
        self.visit = self.dice.choice(visits) if visits else None

    def free(self, audience: Audience, therapist: Therapist | None = None, **whose) -> set[datetime]:
        """What the oracle offers of the chosen service (or of the visit's) in the week that is looked at."""
        visit = whose.get("visit")
        service, therapist = visit.service if visit else self.service, therapist or self.therapist
        last = self.oracle.last_day(audience, service)
        days = min(WEEK, (last - self.first).days + 1)
        return self.oracle.free(audience, service, therapist, self.first, days, **whose)


def read(pattern: re.Pattern[str], page: str) -> set[datetime]:
    return {datetime.fromisoformat(text).astimezone(UTC) for text in pattern.findall(page)}


# ---- lists ----------------------------------------------------------------------------------


def check_patients_pages(world: World) -> None:
    """A week of free times, with one therapist and with any."""
    for slug, therapists in ((world.therapist.slug, [world.therapist]), ("any", world.therapists)):
        page = world.guest.get(f"/book/{slug}/{world.service.slug}/?from={world.first}").text
        expected = set().union(*(world.free(Audience.NEW, therapist) for therapist in therapists))
        if IN_LISTS.search(page) or expected:
            assert read(IN_LISTS, page) == expected, f"slots of {slug}"


def check_move_pages(world: World) -> None:
    """The patient's page for moving a visit, and the free times beside the same form at the desk."""
    visit = world.visit
    if visit is None:
        return
    own = {"visit": visit, "besides": visit}
    page = world.guest.get(f"{visit.get_absolute_url()}move/?from={world.first}").text
    assert read(IN_LISTS, page) == world.free(Audience.VISIT, visit.therapist, **own) - {visit.starts_at}, "move"
    noon = datetime.combine(world.first, datetime.min.time(), CHICAGO) + timedelta(hours=12)
    form = {"look": noon.isoformat(), "version": visit.version}
    page = world.desk.post(f"/admin/booking/appointment/{visit.pk}/move/", form).text
    check_panel(page, world.free(Audience.STAFF, visit.therapist, **own))


def check_callers_page(world: World) -> None:
    noon = datetime.combine(world.first, datetime.min.time(), CHICAGO) + timedelta(hours=12)
    place = {"therapist": world.therapist.slug, "service": world.service.slug, "from": noon.isoformat()}
    check_panel(world.desk.get("/admin/calendar/book/", place).text, world.free(Audience.STAFF))


def check_panel(page: str, expected: set[datetime]) -> None:
    """Free times beside a form of the desk: of that week, or of a later one when it has none."""
    shown = read(IN_PANELS, page)
    assert shown == expected if expected else min(shown, default=datetime.max.replace(tzinfo=UTC)) > timezone.now()


def check_short_lists(world: World) -> None:
    """Lists that show some of the free times: none that is not free, and some if there are any."""
    anew = {
        therapist: world.oracle.free(Audience.NEW, world.service, therapist, world.today, 22)
        for therapist in world.therapists
    }
    page = world.guest.get(f"/therapists/{world.therapist.slug}/next/").text
    by_name = sorted(world.services, key=lambda service: service.name)
    on_offer = [one for one in by_name if one.is_active and (one.pk, world.therapist.pk) in world.oracle.pairs]
    if on_offer[:1] == [world.service]:  # the page is about the first
        shown = {datetime.fromisoformat(unquote(at)).astimezone(UTC) for at in re.findall(r"[?&;]at=([^&\"]+)", page)}
        assert shown == set(sorted(anew[world.therapist])[:3]), "next times"
    visit = Appointment(therapist=world.therapist, service=world.service)
    visit.put_at(therapist=world.therapist, service=world.service, starts_at=world.now + ONE_DAY)
    others = nearest_others(visit)
    assert all(start in anew[therapist] for therapist, start in others), "other times at the desk"
    assert bool(others) == any(anew.values())
    mailed = free_other_times(visit, Clinic.objects.current(), [])
    assert all(start in anew[therapist] for start, therapist, _ in mailed), "other times in mails"
    taken = world.guest.post(f"/book/any/{world.service.slug}/", {"start": (world.now - ONE_DAY).isoformat()})
    assert taken.status_code == 409
    shown = read(IN_LISTS, taken.text)
    assert shown <= set().union(*anew.values()), "taken"
    assert bool(shown) == any(anew.values())


def check_alternatives(world: World) -> None:
    """Other times for a visit whose therapist is out, for its patient and for staff on the phone."""
    visit = world.visit
    if visit is None:
        return
    day = visit.starts_at.astimezone(CHICAGO).date()
    out = bounds_of_days(day, day, CHICAGO)
    for audience in (Audience.OUTAGE, Audience.STAFF):
        where = {"out": out, "first": None, "among": None, "now": world.now, "zone": CHICAGO}
        [proposal] = propose([visit], audience=audience, **where)
        for other in proposal.all:
            assert not world.oracle.causes(audience, visit.service, other.therapist, other.starts_at, visit=visit)
        week = [world.free(audience, therapist, visit=visit) for therapist in world.therapists]
        elsewhere = {
            start
            for therapist, starts in zip(world.therapists, week, strict=True)
            for start in starts
            if therapist != visit.therapist or start >= out.end
        }
        assert proposal.all or not elsewhere


def check_desks_first_page(world: World) -> None:
    user = world.colleague
    for therapist, service, starts in first_page._next_free(world.now, Clinic.objects.current(), user):
        fourteen = world.oracle.free(Audience.STAFF, service, therapist, world.today, first_page.LOOK_AHEAD_DAYS + 1)
        assert starts == sorted(fourteen)[: first_page.MOST_FREE], "first page"


def check_offers(world: World) -> None:
    """A freed time is offered to someone who waits just when the oracle finds a start in it; they can take it."""
    from_noon = datetime.combine(world.first, datetime.min.time(), CHICAGO) + timedelta(hours=7)
    freed = FreedTime.objects.create(
        therapist=world.therapist, starts_at=max(from_noon, world.now), ends_at=from_noon + timedelta(hours=9)
    )
    with undone():
        day = world.oracle.free(Audience.OFFER, world.service, world.therapist, world.first, 1)
        busy = world.service.length + world.service.turnaround
        expected = {start for start in day if Span(start, start + busy).overlaps(freed.span)}
        joins(world.service, first_day=world.first, last_day=world.first, suits_short_notice=True)
        offers = actions.offer_freed_time(freed=freed)
        assert bool(offers) == bool(expected), "offers"
        for offer in offers:
            assert offer.starts_at in expected
            assert world.now < offer.until <= offer.starts_at - timedelta(hours=1)
            assert actions.accept_offer(offer=offer, seen=version_of(offer)).starts_at == offer.starts_at


LISTS = [
    check_patients_pages,
    check_move_pages,
    check_callers_page,
    check_short_lists,
    check_alternatives,
    check_desks_first_page,
    check_offers,
]


# ---- actions --------------------------------------------------------------------------------


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside is taken back, so that one clinic serves for many tries."""
    block = transaction.atomic()
    block._from_testcase = True  # actions are durable: they stand on the outermost transaction, or on a test's
    with block:
        yield
        transaction.set_rollback(True)


def take_hold(world: World, start: datetime) -> object:
    return actions.take_hold(therapist=world.therapist, service=world.service, starts_at=start)


def book_elsewhere(world: World, start: datetime) -> object:
    """The details form of an old hold, which stands elsewhere by now."""
    hold = an_appointment(
        a_therapist("away"), world.service, world.now + 90 * ONE_DAY, State.EXPIRED, name="", submission_key=None
    )
    return actions.book_appointment(
        hold=hold,
        therapist=world.therapist,
        service=world.service,
        starts_at=start,
        details=some_details(name=str(uuid.uuid4()), email="else@example.com", phone="612-555-0199"),
        submission_key=uuid.uuid4(),
    )


def book_for_caller(world: World, start: datetime) -> object:
    place = {"therapist": world.therapist, "service": world.service, "starts_at": start}
    details = some_details()
    return actions.book_for_caller(**place, details=details, submission_key=uuid.uuid4(), by=world.colleague)


def book_series(world: World, start: datetime) -> object:
    place = {"therapist": world.therapist, "service": world.service, "starts": [start]}
    return actions.book_series(**place, details=some_details(), submission_key=uuid.uuid4())


def move(by: actions.Actor) -> Callable[[World, datetime], object]:
    def act(world: World, start: datetime) -> object:
        seen = version_of(world.visit)
        return actions.move_appointment(appointment=world.visit, seen=seen, starts_at=start, by=by)

    return act


def move_to_another(world: World, start: datetime) -> object:
    """With the chosen therapist, who may be the visit's own."""
    place = {"starts_at": start, "therapist": world.therapist}
    return actions.move_appointment(
        appointment=world.visit, seen=version_of(world.visit), **place, by=actions.Actor.STAFF
    )


def take_other_time(by: actions.Actor) -> Callable[[World, datetime], object]:
    def act(world: World, start: datetime) -> object:
        line = AffectedVisit.objects.get(visit=world.visit)
        seen, therapist = version_of(line), world.therapist
        return actions.take_other_time(line=line, seen=seen, therapist=therapist, starts_at=start, by=by)

    return act


def put_on_a_board(world: World) -> None:
    """The visit's therapist is out for the time of the visit alone, and no other time is held."""
    visit = world.visit
    actions.start_outage(
        therapist=visit.therapist,
        span=visit.span,
        answer_by=world.now + ONE_DAY,
        plans={},
        reason="",
        by=world.colleague,
        submission_key=uuid.uuid4(),
    )
    world.oracle = Oracle(world.now)


ANEW = [(Audience.NEW, take_hold), (Audience.NEW, book_elsewhere)]
STAFF = [(Audience.STAFF, book_for_caller), (Audience.STAFF, book_series)]
MOVES = [(Audience.VISIT, move(actions.Actor.PATIENT)), (Audience.STAFF, move(actions.Actor.STAFF))]
OUTAGES = [
    (Audience.OUTAGE, take_other_time(actions.Actor.PATIENT)),
    (Audience.STAFF, take_other_time(actions.Actor.STAFF)),
]


def check_actions(world: World) -> None:
    for audience, act in ANEW + STAFF:
        for start in probes(world.dice, world.free(audience), world.now):
            check_action(world, audience, act, start, world.therapist)
    visit = world.visit
    if visit is None:
        return
    own = {"visit": visit, "besides": visit}
    for audience, act in MOVES:
        for start in probes(world.dice, world.free(audience, visit.therapist, **own), world.now):
            if start != visit.starts_at:
                check_action(world, audience, act, start, visit.therapist, **own)
    for start in probes(world.dice, world.free(Audience.STAFF, **own), world.now):
        if (world.therapist, start) != (visit.therapist, visit.starts_at):
            check_action(world, Audience.STAFF, move_to_another, start, world.therapist, **own)
    with undone():
        put_on_a_board(world)
        for audience, act in OUTAGES:
            for start in probes(world.dice, world.free(audience, visit=visit), world.now):
                if (world.therapist, start) != (visit.therapist, visit.starts_at):
                    check_action(world, audience, act, start, world.therapist, visit=visit)


def check_action(
    world: World,
    audience: Audience,
    act: Callable[[World, datetime], object],
    start: datetime,
    therapist: Therapist,
    *,
    visit: Appointment | None = None,
    besides: Appointment | None = None,
) -> None:
    """It is accepted just when the oracle knows no cause against it, and refused with those causes."""
    service = visit.service if visit else world.service
    causes = world.oracle.causes(audience, service, therapist, start, visit=visit, besides=besides)
    refusal = None
    with undone():
        try:
            act(world, start)
        except REFUSALS as error:
            refusal = error
    at = f"{act.__qualname__} for {audience.name} at {start}"
    assert (refusal is None) == (not causes), f"{at}: {causes or 'free'}"
    if refusal is None or isinstance(refusal, actions.NotAllFreeError):
        return
    assert refusal.why, f"{at}: refused without a cause"
    named = refusal.why[0].causes
    assert {Cause.CLOSED if cause == Cause.ENDS_TOO_LATE else cause for cause in named} == causes, at
    terms = Terms.of_visit(visit, audience) if visit else Terms.anew(service, audience)
    asked, day = Therapist.objects.for_service(service).get(pk=therapist.pk), start.astimezone(CHICAGO).date()
    answer = ask(terms, [asked], first=day, last=day, now=world.now, zone=CHICAGO, besides=besides)
    assert answer.why_not(asked, start).causes == named, at
    assert isinstance(refusal, actions.SlotTakenError) == (causes == {Cause.TAKEN}), at


# ---- the property, and its controls ---------------------------------------------------------


@pytest.fixture
def colleague(db):
    return staff_user(FRONT_DESK)


@pytest.fixture(autouse=True)
def _no_cut_off(settings):
    settings.BOOKING_CHANGE_CUT_OFF_HOURS = 0
    settings.BOOKING_COMING_VISITS = 1000


def check(seed: int, colleague: User, *checks: Callable[[World], None]) -> None:
    """One random clinic: these of its lists and actions."""
    moment = MOMENTS[seed % len(MOMENTS)]
    with undone(), time_machine.travel(moment, tick=False):
        before, settings.IS_PRODUCTION = settings.IS_PRODUCTION, seed % 5 == 0
        try:
            world = World(seed, colleague)
            for one in checks:
                one(world)
        finally:
            settings.IS_PRODUCTION = before


@hypothesis_settings(
    max_examples=200 if EXHAUSTIVE else 5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller seed is no smaller clinic
)
@given(seed=st.integers(0, 10**6))
def test_what_is_offered_can_be_taken_and_what_is_not_is_refused_with_its_cause(colleague, seed):
    check(seed, colleague, *LISTS, check_actions)


def assert_noticed(colleague: User, *checks: Callable[[World], None]) -> None:
    """Some random clinic shows that these of its lists and actions differ from the oracle."""

    def check_twelve() -> None:
        for seed in range(12):
            check(seed, colleague, *checks)

    with pytest.raises(AssertionError):
        check_twelve()


CONDITIONS = {
    "pairings and ticks": ("Terms.never_with", lambda terms, therapist: []),
    "notice": ("Audience.notice", lambda audience, service: timedelta(0)),
    "horizon": ("Audience.horizon_days", lambda audience, service: the_rule.TWO_YEARS),
    "ticks are for booking anew": ("Audience.books_anew", True),
    "a visit keeps its length": ("Terms.of_visit", lambda visit, audience: Terms.anew(visit.service, audience)),
}


@pytest.mark.parametrize(("name", "instead"), CONDITIONS.values(), ids=CONDITIONS)
def test_control_a_condition_taken_out_of_the_rule_is_noticed(colleague, monkeypatch, name, instead):
    monkeypatch.setattr(f"booking.models.free.{name}", instead)

    assert_noticed(colleague, *LISTS, check_actions)


def around_the_rule(terms, therapists, *, first, last, now, zone, besides=None):
    """Working hours without what is taken, for whoever asks."""
    asked = list(therapists)
    hours = working_time([therapist.pk for therapist in asked], first=first, last=last, zone=zone)
    rest = {"rules": terms.rules, "blocked": [], "now": now, "zone": zone}
    return {
        therapist: free_starts(openings=hours[therapist.pk].openings, away=hours[therapist.pk].away, **rest)
        for therapist in asked
    }


@pytest.mark.parametrize(
    ("module", "check_list"),
    [
        ("booking.patients.week", check_patients_pages),
        ("booking.patients.next_times", check_short_lists),
        ("booking.mail.other_times", check_short_lists),
        ("booking.models.alternatives", check_alternatives),
        ("booking.desk.first_page", check_desks_first_page),
        ("booking.desk.base.free_times_panel", check_short_lists),
        ("booking.actions.offers", check_offers),
    ],
)
def test_control_a_list_that_goes_around_the_rule_is_noticed(colleague, monkeypatch, module, check_list):
    monkeypatch.setattr(f"{module}.free_times", around_the_rule)

    assert_noticed(colleague, check_list)


def test_control_a_guard_that_goes_around_the_rule_is_noticed(colleague, monkeypatch):
    monkeypatch.setattr("booking.actions.free.choose_therapist", lambda candidates, **asked: next(iter(candidates)))

    assert_noticed(colleague, check_actions)


LOW_LEVEL = {"free_starts", "why_not"}
THE_RULE = Path("booking/models/free.py")


def goes_around(source: str) -> bool:
    """Whether a module calls or imports the arithmetic of free times, which is for the rule alone."""
    for node in ast.walk(ast.parse(source)):
        names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
        if names & LOW_LEVEL and (node.module or "").endswith("availability"):
            return True
        if (
            isinstance(node, ast.Attribute)
            and node.attr in LOW_LEVEL
            and getattr(node.value, "id", "") == "availability"
        ):
            return True
    return False


def test_only_the_rule_calls_the_arithmetic_of_free_times():
    apps = [path for app in ("booking", "articles", "revival") for path in Path(app).rglob("*.py")]

    assert [path for path in apps if goes_around(path.read_text())] == [THE_RULE]
    assert goes_around("from booking.time.availability import free_starts")
    assert goes_around("from booking.time import availability\navailability.why_not(start)")


# ---- what a row copied is read from the row -------------------------------------------------

OF_A_ROW = r"(?:visit|appointment|row|hold|line|offer|entry|affected|other|event)(?:\.visit)?\.service\."
LENGTHS = re.compile(OF_A_ROW + r"(?:minutes|turnaround_minutes|length|turnaround)\b")


def test_no_page_mail_or_module_reads_the_length_of_a_visit_from_its_service():
    """A visit keeps the length and turnaround it was agreed with (`Appointment.length`, `minutes`, `turnaround`)."""
    files = [path for folder in ("templates", "booking") for path in Path(folder).rglob("*.*")]
    texts = {path: path.read_text() for path in files if path.suffix in (".html", ".txt", ".py")}

    found = {f"{path}: {match[0]}" for path, text in texts.items() for match in LENGTHS.finditer(text)}
    assert found == set()
    assert LENGTHS.search("{{ visit.service.minutes }}")
    assert LENGTHS.search("line.visit.service.length")
