"""Reports: known numbers over two weeks in which the clocks change; the page, and the CSV files."""

import csv
import random
import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from xml.etree import ElementTree

import pytest
from django.db import connection

from articles.models import Article, Stage
from booking import actions
from booking.desk.reports import numbers
from booking.desk.reports.numbers import Fill
from booking.desk.reports.scope import Scope
from booking.models import AccessLog, Appointment, ArticleCount, FreedTime, Override, Shift, State
from tests.factories import (
    CHICAGO,
    a_service,
    a_therapist,
    an_absence,
    an_appointment,
    day_in,
    in_days,
    joins,
    some_details,
    version_of,
    working_all_week,
)
from tests.staff import SUPERUSER, THERAPIST, at_the_desk, staff_user

pytestmark = pytest.mark.django_db

PAGE = "/admin/reports/"
FIRST, LAST = date(2026, 10, 26), date(2026, 11, 8)  # clocks go back on Sunday, November 1
WEEK_1, WEEK_2 = FIRST, date(2026, 11, 2)
GOLDEN = "?first=2026-10-26&last=2026-11-08"


def at(month, day, hour, minute=0, fold=0):
    return datetime(2026, month, day, hour, minute, tzinfo=CHICAGO, fold=fold).astimezone(UTC)


@pytest.fixture
def stanley(clinic):
    return a_therapist()


@pytest.fixture
def quarter(stanley):
    """Mornings on working days, and a Sunday night of three hours that the change of clocks makes four."""
    service = a_service(stanley, turnaround_minutes=0)
    for weekday in range(5):
        Shift.objects.create(therapist=stanley, weekday=weekday, opens=time(9), closes=time(12))
    Shift.objects.create(therapist=stanley, weekday=6, opens=time(0), closes=time(3))
    an_absence(stanley, at(11, 3, 0), at(11, 4, 0))
    Override.objects.create(therapist=stanley, day=date(2026, 11, 4), opens=time(10), closes=time(11))
    owner = staff_user(SUPERUSER, username="past-the-rules")

    def visit(starts_at, state, **fields):
        return an_appointment(stanley, service, starts_at, state=state, **fields)

    past_the_rules = {"is_override": True, "override_by": owner, "override_reason": "on purpose"}
    # week 1
    visit(at(10, 26, 9), State.COMPLETED, requested_at=at(10, 26, 8))
    visit(at(10, 27, 9), State.NO_SHOW)
    visit(at(10, 28, 9), State.CANCELLED, requested_at=at(10, 1, 8))
    visit(at(10, 29, 15), State.COMPLETED, **past_the_rules)
    visit(at(10, 30, 11, 45), State.COMPLETED, **past_the_rules)
    visit(at(11, 1, 1, 30, fold=1), State.COMPLETED, requested_at=at(10, 30, 12))
    # week 2
    visit(at(11, 2, 9), State.DECLINED)
    visit(at(11, 2, 10), State.EXPIRED)
    visit(at(11, 5, 9), State.CONFIRMED, requested_at=at(10, 26, 23, 30), moved_at=at(10, 27, 9))
    visit(at(11, 5, 9), State.ARRIVED, **past_the_rules)
    visit(at(11, 6, 9), State.REQUESTED)
    visit(at(11, 8, 23, 30), State.ARRIVED)
    # neither: a hold, a hold that never became a visit, the Mondays before and after
    visit(at(11, 5, 11), State.HELD)
    visit(at(11, 5, 10), State.EXPIRED, name="", submission_key=None)
    visit(at(10, 25, 23, 30), State.COMPLETED)
    visit(at(11, 9, 0), State.CONFIRMED)
    return service


def the_scope(*therapists):
    return Scope(FIRST, LAST, tuple(therapist.pk for therapist in therapists), CHICAGO)


def test_visits_by_week(quarter, stanley):
    weeks, whole = numbers.visits_by_week(the_scope(stanley))

    counts = {week: (visits.came, visits.missed, visits.cancelled, visits.total) for week, visits in weeks.items()}
    assert counts == {WEEK_1: (4, 1, 1, 6), WEEK_2: (2, 0, 0, 6)}
    second = weeks[WEEK_2]
    assert (second.expected, second.requested, second.declined, second.expired) == (1, 1, 1, 1)
    assert (whole.came, whole.missed, whole.total) == (6, 1, 12)


def test_show_rate_counts_what_was_noted(quarter, stanley):
    weeks, whole = numbers.visits_by_week(the_scope(stanley))

    assert weeks[WEEK_1].show_rate == pytest.approx(80)
    assert weeks[WEEK_2].show_rate == pytest.approx(100)
    assert whole.show_rate == pytest.approx(600 / 7)
    assert numbers.Visits(expected=3).show_rate is None


def test_lead_time_is_in_days_at_the_clinic(quarter, stanley):
    """Same day, two days, and ten days though asked for half an hour before midnight."""
    _, whole = numbers.visits_by_week(the_scope(stanley))

    assert (whole.lead_median, whole.lead_p90) == (2, pytest.approx(8.4))
    assert whole.lead_buckets == (1, 1, 0, 1, 0, 0)


def test_time_to_confirm_leaves_out_saturdays_and_sundays(stanley):
    service = a_service(stanley)

    def confirmed(requested_at, confirmed_at, answer_by, **fields):
        fields |= {"requested_at": requested_at, "confirmed_at": confirmed_at, "answer_by": answer_by}
        an_appointment(stanley, service, at(12, 1, 9) + timedelta(hours=Appointment.objects.count()), **fields)

    confirmed(at(10, 30, 16), at(11, 2, 10), at(11, 3, 16))  # Friday to Monday over the change of clocks: 18 hours
    confirmed(at(10, 26, 9), at(10, 26, 11), at(10, 26, 10))  # 2 hours, and late
    confirmed(at(10, 31, 12), at(11, 1, 20), at(11, 3, 12))  # a weekend: none
    confirmed(at(10, 27, 9), at(10, 27, 9), at(10, 28, 9))  # agreed at once, nothing to confirm
    confirmed(at(10, 27, 9), at(10, 28, 9), at(10, 28, 9), is_online=False)  # by the front desk itself
    confirmed(at(11, 3, 9), None, at(11, 4, 9), state=State.EXPIRED)
    confirmed(at(11, 3, 9), None, at(11, 5, 9), state=State.REQUESTED)
    confirmed(at(11, 3, 9), None, at(11, 5, 9), state=State.DECLINED)

    weeks, whole = numbers.answers_by_week(the_scope(stanley))

    first = weeks[WEEK_1]
    assert (first.confirmed, first.in_time, first.median) == (3, 2, 2)
    assert first.p90 == pytest.approx(14.8)
    assert (whole.declined, whole.expired, whole.waiting) == (1, 1, 1)
    assert (weeks[WEEK_2].confirmed, weeks[WEEK_2].median) == (0, None)


def test_working_hours_in_sql_are_those_counted_hour_by_hour(db):
    dice = random.Random(11)
    hour, start = timedelta(hours=1), datetime(2026, 1, 1)  # noqa: DTZ001 - a clock on a wall
    pairs = [(start + hour * dice.randrange(9000), hour * dice.randrange(400)) for _ in range(200)]
    spans = [(begin, begin + length) for begin, length in pairs]
    a_clock, b_clock = (numbers.WORKING_HOURS.format(name) for name in "ab")
    query = f"SELECT ({b_clock}) - ({a_clock}) FROM unnest(%s::timestamp[], %s::timestamp[]) AS t(a, b)"

    with connection.cursor() as cursor:
        cursor.execute(query, [[a for a, _ in spans], [b for _, b in spans]])
        hours = [float(row[0]) for row in cursor.fetchall()]

    counted = [sum((a + hour * n).weekday() < 5 for n in range((b - a) // hour)) for a, b in spans]
    assert hours == pytest.approx(counted)


def test_fill_of_hours_is_what_availability_offers_and_visits_take(quarter, stanley):
    [weeks] = numbers.fill_of_hours(the_scope(stanley)).values()

    assert weeks[WEEK_1] == Fill(offered=(15 + 4) * 60, booked=30 + 30 + 15 + 30)
    assert weeks[WEEK_2] == Fill(offered=(15 + 3 - 3 - 2) * 60, booked=30 + 30)  # two at once count once
    assert weeks[WEEK_1].rate == pytest.approx(100 * 105 / 1140)


def test_the_spring_night_is_an_hour_shorter(stanley):
    Shift.objects.create(therapist=stanley, weekday=6, opens=time(0), closes=time(4))
    day = date(2027, 3, 14)

    [weeks] = numbers.fill_of_hours(Scope(day, day, (stanley.pk,), CHICAGO)).values()

    assert weeks == {date(2027, 3, 8): Fill(180, 0)}
    assert Fill().rate is None


def test_only_the_therapists_asked_for_are_counted(quarter, stanley):
    other = a_therapist("benjamin-britton")
    an_appointment(other, quarter, at(10, 27, 10), state=State.COMPLETED)

    assert numbers.visits_by_week(the_scope(stanley))[1].total == 12
    assert numbers.visits_by_week(the_scope(other))[1].total == 1
    assert numbers.visits_by_week(the_scope(stanley, other))[1].total == 13
    assert numbers.visits_by_week(the_scope())[1].total == 0


def test_what_is_forgotten_still_counts(quarter, stanley):
    before = numbers.visits_by_week(the_scope(stanley))
    for visit in Appointment.objects.exclude(name=""):
        visit.forget_patient(visit.ends_at)
        visit.save()

    assert numbers.visits_by_week(the_scope(stanley)) == before


# ---- articles ----


@pytest.fixture
def article(stanley):
    return Article.objects.create(
        title="Cupping for Back Pain",
        slug="cupping-for-back-pain",
        description="d",
        lead="l",
        in_short="s",
        author=stanley,
        stage=Stage.PUBLISHED,
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def books(therapist, service, came_from):
    hold = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3, 9), present=None)
    booking = {
        "hold": hold,
        "therapist": therapist,
        "service": service,
        "starts_at": hold.starts_at,
        "details": some_details(came_from=came_from),
        "submission_key": uuid.uuid4(),
    }
    return actions.book_appointment(**booking), booking


def test_a_booking_from_an_article_is_counted_once_and_outlives_the_person(article, therapist_of, service_of):
    visit, booking = books(therapist_of, service_of, "cupping-for-back-pain")
    actions.book_appointment(**booking)  # sent twice

    counted = ArticleCount.objects.get()
    assert (counted.article, counted.bookings, counted.day) == ("cupping-for-back-pain", 1, day_in(0))
    visit.refresh_from_db()
    visit.forget_patient(visit.ends_at)
    visit.save()
    assert visit.came_from == ""
    scope = Scope(day_in(0), day_in(0), (therapist_of.pk,), CHICAGO)
    assert numbers.bookings_by_article(scope) == [("cupping-for-back-pain", 1)]


@pytest.fixture
def therapist_of(stanley):
    working_all_week(stanley)
    return stanley


@pytest.fixture
def service_of(therapist_of):
    return a_service(therapist_of)


@pytest.mark.parametrize("came_from", ["", "ada-example", "x" * 80, "draft"])
def test_what_is_no_public_article_is_counted_nowhere(article, therapist_of, service_of, came_from):
    Article.objects.filter(pk=article.pk).update(stage=Stage.DRAFT)
    Article.objects.filter(pk=article.pk).update(slug="draft")
    books(therapist_of, service_of, came_from)

    assert not ArticleCount.objects.exists()


def test_counts_add_up_by_day_and_therapist(article, stanley):
    other = a_therapist("benjamin-britton")
    for therapist in (stanley, stanley, other):
        ArticleCount.objects.add(article=article.slug, therapist=therapist, day=FIRST)

    assert sorted(ArticleCount.objects.values_list("bookings", flat=True)) == [1, 2]
    assert numbers.bookings_by_article(the_scope(stanley, other)) == [(article.slug, 3)]
    assert numbers.bookings_by_article(Scope(WEEK_2, LAST, (stanley.pk,), CHICAGO)) == []


def test_a_visit_from_the_waiting_list_is_counted_too(article, therapist_of, service_of):
    entry = joins(service_of, came_from=article.slug)
    freed = FreedTime.objects.create(therapist=therapist_of, starts_at=in_days(4, 9), ends_at=in_days(4, 12))
    [offer] = actions.offer_freed_time(freed=freed)

    actions.accept_offer(offer=offer, seen=version_of(offer))

    assert ArticleCount.objects.get().article == entry.came_from


# ---- page and files ----


def test_the_page_draws_each_report_beside_its_table(clerk, quarter, article, stanley):
    ArticleCount.objects.add(article=article.slug, therapist=stanley, day=FIRST)
    page = clerk.get(PAGE + GOLDEN)

    assert page.status_code == 200
    drawn = re.findall(r"<svg class=\"plot\".*?</svg>", page.text, re.DOTALL)
    assert len(drawn) == 5  # nobody asked online in this time
    for svg in drawn:
        ElementTree.fromstring(svg)
    assert "style=" not in page.text
    assert "No online requests in this time." in page.text
    assert "Cupping for Back Pain" in page.text
    assert '<th scope="row"><time datetime="2026-10-26">Oct 26, 2026</time></th>' in page.text
    assert not re.search(r"\bAda\b", page.text)
    ids = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))


def test_an_empty_clinic_says_so(clerk, clinic):
    page = clerk.get(PAGE).text

    assert page.count("No visits in this time.") == 2
    assert "No working hours in this time." in page
    assert "No booking came from an article" in page
    assert '<svg class="plot"' not in page


@pytest.mark.parametrize("key", ["visits", "show-rate", "lead-time", "time-to-confirm", "fill", "articles"])
def test_each_table_is_a_file(clerk, quarter, key):
    answer = clerk.get(f"{PAGE}{key}.csv{GOLDEN}")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="{key}-2026-10-26-2026-11-08.csv"'
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len({len(row) for row in rows}) == 1
    if key == "visits":
        assert rows[1] == ["2026-10-26", "6", "4", "0", "0", "1", "1", "0", "0"]
        assert rows[-1][:2] == ["Whole time", "12"]
    if key == "fill":
        assert rows[1] == ["2026-10-26", "Dr. Peter Stanley", "19", "1.8", "9.2"]


def test_a_name_that_would_run_in_a_spreadsheet_does_not(clerk, quarter, stanley, article):
    stanley.name = '=HYPERLINK("http://evil.example")'
    stanley.save()
    Article.objects.update(title="@SUM(1)")
    ArticleCount.objects.add(article=article.slug, therapist=stanley, day=FIRST)

    assert "\"'=HYPERLINK" in clerk.get(f"{PAGE}fill.csv{GOLDEN}").content.decode()
    assert '"\'@SUM(1)"' in clerk.get(f"{PAGE}articles.csv{GOLDEN}").content.decode()


def test_a_therapist_sees_their_own_numbers_alone(quarter, stanley):
    account = staff_user(THERAPIST)
    other = a_therapist("benjamin-britton", account=account)
    an_appointment(other, quarter, at(10, 27, 10), state=State.COMPLETED)
    client = at_the_desk(account)

    for path in (f"{PAGE}visits.csv{GOLDEN}", f"{PAGE}visits.csv{GOLDEN}&therapist=benjamin-britton"):
        rows = list(csv.reader(StringIO(client.get(path).content.decode("utf-8-sig"))))
        assert rows[-1][:2] == ["Whole time", "1"]
    assert client.get(f"{PAGE}visits.csv{GOLDEN}&therapist=peter-stanley").status_code == 422
    assert "Dr. Peter Stanley" not in client.get(PAGE + GOLDEN).text


@pytest.mark.parametrize(
    "query",
    [
        "?first=x",
        "?first=",
        "?first=99999-01-01",
        "?first=0001-01-01",
        "?last=2026-13-01",
        "?first=2026-11-08&last=2026-10-26",
        "?first=2001-01-01&last=2899-12-31",
        "?therapist=nobody",
        "?therapist=1'--",
    ],
)
def test_odd_questions_are_told_in_words(clerk, quarter, query):
    for path in (PAGE, f"{PAGE}visits.csv"):
        answer = clerk.get(path + query)
        assert answer.status_code == 422
        assert "see below" in answer.text
    assert clerk.get(f"{PAGE}nothing.csv").status_code == 404
    assert clerk.post(PAGE).status_code == 405


def test_numbers_leave_no_line_in_the_access_log(clerk, quarter):
    clerk.get(PAGE + GOLDEN)

    assert not AccessLog.objects.exists()


def test_the_page_asks_the_same_however_much_there_is(clerk, quarter, stanley, article, django_assert_max_num_queries):
    ArticleCount.objects.add(article=article.slug, therapist=stanley, day=FIRST)
    clerk.get("/admin/")

    def open_page():
        with django_assert_max_num_queries(14):  # five for the session and the desk, nine for the reports
            assert clerk.get(PAGE + GOLDEN).status_code == 200

    open_page()
    for number in range(6):
        other = a_therapist(f"number-{number}")
        working_all_week(other)
        for hour in range(9, 15):
            an_appointment(other, quarter, at(10, 27, hour), state=State.COMPLETED)
    open_page()
