"""Which free starts are proposed in place of visits that cannot take place, without a database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking.time.alternatives import MOST_A_DAY, Displaced, FreeStart, choose
from revival.base.clock import Span

CHICAGO = ZoneInfo("America/Chicago")
OWN, OTHER = 1, 2
HALF_AN_HOUR, BUSY = timedelta(minutes=30), timedelta(minutes=40)


def at(day, hour, minute=0):
    return datetime(2027, 3, day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


def free(*starts):
    """Free starts, each as (therapist, start)."""
    return [FreeStart.at(therapist, start, CHICAGO) for therapist, start in starts]


def displaced(start, *starts, patient="ada"):
    return Displaced(OWN, start, HALF_AN_HOUR, BUSY, patient, free(*starts))


def choose_for(*visits, same=None, own=()):
    return choose(visits, prefers_same_therapist=same, own=dict(own), zone=CHICAGO)


def best(choice):
    return choice.best and (choice.best.therapist, choice.best.start)


@pytest.mark.parametrize(
    ("same", "expected"), [(None, (OTHER, at(1, 10))), (True, (OWN, at(4, 9))), (False, (OTHER, at(1, 10)))]
)
def test_the_preferred_therapist_comes_before_nearness(same, expected):
    [choice] = choose_for(displaced(at(1, 9), (OTHER, at(1, 10)), (OWN, at(4, 9))), same=same)

    assert best(choice) == expected


def test_later_is_better_than_as_many_days_sooner():
    [choice] = choose_for(displaced(at(3, 9), (OTHER, at(2, 9)), (OTHER, at(4, 9))))

    assert best(choice) == (OTHER, at(4, 9))


def test_no_start_is_given_twice_and_none_overlaps():
    starts = [(OTHER, at(1, 9)), (OTHER, at(1, 9, 30)), (OTHER, at(1, 10))]

    choices = choose_for(*(displaced(at(1, 9), *starts, patient=name) for name in ("ada", "ben", "cem")))

    assert [best(choice) for choice in choices] == [(OTHER, at(1, 9)), (OTHER, at(1, 10)), None]


def test_nobody_gets_a_start_that_meets_another_visit_of_theirs():
    own = {"ada": [Span(at(1, 9), at(1, 9, 30))]}

    [choice] = choose_for(displaced(at(1, 9), (OTHER, at(1, 9, 15)), (OTHER, at(1, 9, 30))), own=own)

    assert best(choice) == (OTHER, at(1, 9, 30))


def test_others_are_few_a_day_and_in_order():
    starts = [(OTHER, at(day, hour)) for day in (1, 2) for hour in range(8, 16)]

    [choice] = choose_for(displaced(at(1, 9), *starts))

    times = [other.start for other in choice.others]
    assert times == sorted(times)
    assert len(times) == 2 * MOST_A_DAY
    assert choice.best not in choice.others
