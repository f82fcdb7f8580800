"""The statements of each step of a booking, in order, and why each is there; BEGIN and COMMIT are not counted.

| step          | before | now | asked for |
|---------------|--------|-----|-----------|
| GET times     | 9      | 5   | 6         |
| POST start    | 17     | 11  | 10        |
| GET details   | 5      | 4   | 3         |
| POST details  | 35     | 19  | 18        |

The one more of POST start: the address names a therapist and a service, and both are looked up before the lock and
read inside it, since they may have changed while another booking was waited for. Of GET details: the cautions and
when to get urgent help are two tables, and both are shown before anything is sent. Of POST details: a clinic that has
entered its opening hours reads no shifts for the time to answer by, so has 18.
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.booking.patients.test_book import SLOTS, hidden_fields, send, take
from tests.factories import in_days

pytestmark = pytest.mark.django_db

CLINIC = ("booking_openinghours", "the clinic with its opening hours, once a request: zone, phone, notices")
BEGIN = ("lock_timeout", "how long locks are waited for; COMMIT waits for a standby also when nothing was written")
LOCK = ("FOR NO KEY UPDATE", "who books with this therapist comes one after another")
DEAD = ("'expired'", "holds whose time is over still count for the exclusion constraint")
HOURS = ("booking_absence", "inside the lock: the therapist's hours and whether they give the service, as they are now")
TAKEN = ("booking_appointment", "what is taken; an index of its own, since the past is long")

TIMES = [
    CLINIC,
    ("booking_service", "named in the address"),
    ("booking_therapist", "named in the address; whether they give the service and take patients"),
    ("booking_absence", "their hours"),
    TAKEN,
]
START = [
    CLINIC,
    ("booking_service", "named in the address"),
    ("booking_therapist", "named in the address"),
    ("booking_dailycount", "the network's open holds; commits before the hold, so that all who try are counted"),
    BEGIN,
    LOCK,
    DEAD,
    ("booking_service", "as it is now, inside the lock"),
    HOURS,
    TAKEN,
    ("INSERT INTO", "the hold"),
]
DETAILS = [
    CLINIC,
    ("link_digest", "the hold with its therapist and service, by the private link"),
    ("booking_urgenthelp", "shown before anything is sent"),
    ("booking_caution", "those of the service, shown before anything is sent"),
]
BOOK = [
    CLINIC,
    ("link_digest", "the hold with its therapist and service, by the private link"),
    ("booking_dailycount", "the network's bookings; commits before the booking, so that all who try are counted"),
    BEGIN,
    ("pg_advisory_xact_lock", "forms of one browser come one after another, before any other lock"),
    LOCK,
    DEAD,
    ("submission_key", "the hold as it is now with its service, and the visit that this form has made before"),
    HOURS,
    TAKEN,
    ("pg_advisory_xact_lock", "forms of one person for several therapists come one after another"),
    ("COUNT", "the person's visits to come, and those at the same time; after that lock"),
    ("booking_shift", "when the clinic is open, for the time to answer by; none with opening hours of its own"),
    ("booking_absence", "when the clinic is closed, for the time to answer by"),
    ("UPDATE", "the hold becomes a visit"),
    ("'mail'", "the day's mails to an address that nobody has proved; exact also for several bookings at once"),
    ("booking_message", "to the patient and to staff, in one statement"),
    ("procrastinate_defer_jobs", "their jobs, in one statement"),
    ("'hold'", "one open hold less, once the booking has committed: one that is refused leaves the hold open"),
]


def statements_of(call):
    with CaptureQueriesContext(connection) as seen:
        answer = call()
    statements = [query["sql"] for query in seen.captured_queries]
    return answer, [sql for sql in statements if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


def demand(statements, expected):
    assert len(statements) == len(expected), "\n".join(statements)
    for sql, (word, reason) in zip(statements, expected, strict=True):
        assert word in sql, reason


def test_each_step_of_a_booking_sends_no_statement_without_a_reason(client, therapist, service):
    _, times = statements_of(lambda: client.get(SLOTS))
    start, hold = statements_of(lambda: take(client, in_days(3)))
    page, details = statements_of(lambda: client.get(start["Location"]))
    booked, book = statements_of(lambda: send(client, start["Location"], hidden_fields(page.text)))

    demand(times, TIMES)
    demand(hold, START)
    demand(details, DETAILS)
    demand(book, BOOK)
    assert booked["Location"].startswith("/visits/")


def test_a_clinic_with_opening_hours_reads_no_shifts_for_the_time_to_answer_by(client, clinic, therapist, service):
    clinic.hours.create(weekday=0, opens="08:00", closes="17:00")
    start = take(client, in_days(3))
    fields = hidden_fields(client.get(start["Location"]).text)

    _, book = statements_of(lambda: send(client, start["Location"], fields))

    demand(book, [statement for statement in BOOK if statement[0] != "booking_shift"])
