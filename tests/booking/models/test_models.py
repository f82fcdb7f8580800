"""What the database itself refuses, whoever writes the row."""

from datetime import date, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from booking.models import (
    OCCUPYING,
    Absence,
    Appointment,
    Clinic,
    Delivery,
    HeldFor,
    Kind,
    Message,
    Override,
    RecurringAbsence,
    Service,
    Shift,
    State,
    Therapist,
    UrgentHelp,
)
from tests.factories import a_service, a_therapist, an_absence, an_appointment, in_days


def refused_by(constraint, write):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    assert caught.value.__cause__.diag.constraint_name == constraint


@pytest.fixture
def nine(therapist, service):
    return an_appointment(therapist, service, in_days(3))


@pytest.mark.parametrize("state", [state for state in OCCUPYING if state != State.HELD])
def test_two_visits_never_meet(nine, therapist, service, state):
    refused_by(
        "booking_appointment_never_two_at_once",
        lambda: an_appointment(therapist, service, in_days(3, 9, 15), state=state),
    )


def test_turnaround_is_kept_free(nine, therapist, service):
    refused_by(
        "booking_appointment_never_two_at_once",
        lambda: an_appointment(therapist, service, in_days(3, 9, 35)),
    )
    assert an_appointment(therapist, service, in_days(3, 9, 40)).pk


@pytest.mark.parametrize("state", [state for state in State if state not in OCCUPYING])
def test_ended_visits_free_their_time(nine, therapist, service, state):
    assert an_appointment(therapist, service, in_days(3), state=state).pk


def test_another_therapist_is_another_time(nine, service):
    assert an_appointment(a_therapist("benjamin-britton"), service, in_days(3)).pk


def test_an_override_overlaps_on_purpose_and_says_who_and_why(nine, therapist, service, django_user_model):
    staff = django_user_model.objects.create_user("staff")

    refused_by(
        "booking_appointment_override_has_a_reason",
        lambda: an_appointment(therapist, service, in_days(3), is_override=True),
    )
    refused_by(
        "booking_appointment_override_has_a_reason",
        lambda: an_appointment(therapist, service, in_days(4), override_reason="none needed"),
    )
    assert an_appointment(
        therapist,
        service,
        in_days(3),
        is_override=True,
        override_by=staff,
        override_reason="Asked by Dr. Stanley",
    ).pk


BAD_ROWS = {
    "booking_appointment_state_is_known": {"state": "perhaps"},
    "booking_appointment_hold_has_an_end": {"state": State.HELD},
    "booking_appointment_visit_has_a_name": {"name": ""},
}


@pytest.mark.parametrize(("constraint", "columns"), BAD_ROWS.items(), ids=BAD_ROWS)
def test_appointment_columns_are_checked(nine, constraint, columns):
    refused_by(constraint, lambda: Appointment.objects.filter(pk=nine.pk).update(**columns))


def test_a_hold_says_for_whom(nine):
    held = {"state": State.HELD, "held_until": timezone.now()}
    refused_by(
        "booking_appointment_hold_has_an_end",
        lambda: Appointment.objects.filter(pk=nine.pk).update(**held, held_for="someone"),
    )
    Appointment.objects.filter(pk=nine.pk).update(**held, held_for=HeldFor.OFFER)


def test_a_visit_ends_after_it_starts(nine):
    refused_by(
        "booking_appointment_starts_before_it_ends",
        lambda: Appointment.objects.filter(pk=nine.pk).update(ends_at=nine.starts_at),
    )


def _spans(visit):
    start, end = visit.starts_at, visit.ends_at
    return {
        "empty": DateTimeTZRange(empty=True),
        "no end": DateTimeTZRange(start, None),
        "no start": DateTimeTZRange(None, end),
        "starts later": DateTimeTZRange(start + timedelta(minutes=1), end),
        "ends earlier": DateTimeTZRange(start, end - timedelta(minutes=1)),
        "open start": DateTimeTZRange(start, end, "()"),
        "closed end": DateTimeTZRange(start, end, "[]"),
    }


@pytest.mark.parametrize(
    "wrong", ["empty", "no end", "no start", "starts later", "ends earlier", "open start", "closed end"]
)
def test_blocked_time_covers_the_visit_and_ends(nine, wrong):
    refused_by(
        "booking_appointment_blocks_its_own_time",
        lambda: Appointment.objects.filter(pk=nine.pk).update(blocked=_spans(nine)[wrong]),
    )


def test_blocked_time_is_not_infinite(nine):
    from django.db import connection

    def write():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE booking_appointment SET blocked = tstzrange(starts_at, 'infinity') WHERE id = %s",
                [nine.pk],
            )

    refused_by("booking_appointment_blocks_its_own_time", write)


@pytest.mark.parametrize("slug", ["hold", "ask", "any", "find"])
def test_slugs_of_the_sites_own_addresses_are_refused(clinic, slug):
    refused_by("booking_therapist_slug_is_not_reserved", lambda: a_therapist(slug))
    refused_by("booking_service_slug_is_not_reserved", lambda: a_service(slug=slug))


def recurring(**changed):
    today = timezone.now().date()
    values = {"weekdays": [3], "begins": time(12), "ends": time(13), "first_day": today, "last_day": today}
    return RecurringAbsence.objects.create(**values | changed)


def test_other_rows_are_checked_too(therapist, service, nine):
    shift = {"therapist": therapist, "weekday": 0, "opens": time(9), "closes": time(12)}
    today = timezone.now().date()
    cases = [
        ("booking_clinic_is_the_only_one", lambda: Clinic.objects.create(pk=2, name="x", phone="1")),
        ("booking_urgent_help_is_the_only_one", lambda: UrgentHelp.objects.create(pk=2, title="x")),
        ("booking_service_takes_time", lambda: Service.objects.update(minutes=0)),
        ("booking_shift_weekday_is_a_weekday", lambda: Shift.objects.create(**shift | {"weekday": 7})),
        ("booking_shift_opens_before_it_closes", lambda: Shift.objects.create(**shift | {"closes": time(9)})),
        (
            "booking_shift_is_valid_from_before_until",
            lambda: Shift.objects.create(**shift, valid_from=today, valid_until=today - timedelta(days=1)),
        ),
        (
            "booking_shift_of_every_second_week_has_a_first_date",
            lambda: Shift.objects.create(**shift, every_weeks=2),
        ),
        (
            "booking_shift_of_every_second_week_has_a_first_date",
            lambda: Shift.objects.create(**shift, every_weeks=3, counts_from=date(2026, 12, 7)),
        ),
        (
            "booking_shift_first_date_is_on_its_weekday",
            lambda: Shift.objects.create(**shift, every_weeks=2, counts_from=date(2026, 12, 8)),
        ),
        (
            "booking_override_opens_before_it_closes",
            lambda: Override.objects.create(therapist=therapist, day=today, opens=time(9), closes=time(8)),
        ),
        ("booking_recurring_absence_is_on_weekdays", lambda: recurring(weekdays=[])),
        ("booking_recurring_absence_is_on_weekdays", lambda: recurring(weekdays=[3, 7])),
        ("booking_recurring_absence_begins_before_it_ends", lambda: recurring(ends=time(12))),
        ("booking_recurring_absence_is_two_years_at_most", lambda: recurring(last_day=today - timedelta(days=1))),
        ("booking_recurring_absence_is_two_years_at_most", lambda: recurring(last_day=today + timedelta(days=732))),
        (
            "booking_absence_starts_before_it_ends",
            lambda: Absence.objects.create(starts_at=in_days(2), ends_at=in_days(2)),
        ),
    ]
    for constraint, write in cases:
        refused_by(constraint, write)


def test_messages_are_checked(nine):
    message = Message.objects.create(
        kind=Kind.CONFIRMED, appointment=nine, sequence=0, starts_at=nine.starts_at, ends_at=nine.ends_at
    )
    row = Message.objects.filter(pk=message.pk)
    refused_by("booking_message_kind_is_known", lambda: row.update(kind="gossip"))
    refused_by("booking_message_delivery_is_known", lambda: row.update(delivery="lost"))
    refused_by("booking_message_sent_says_when", lambda: row.update(delivery=Delivery.SENT, recipient="a@b.example"))
    refused_by(
        "booking_message_is_sent_to_someone",
        lambda: row.update(delivery=Delivery.SENT, sent_at=timezone.now()),
    )


def test_the_private_link_is_derived_and_can_be_revoked(nine, settings):
    first = nine.token
    assert Appointment.objects.with_token(first).get() == nine
    assert len(first) == 43
    assert first not in str(list(Appointment.objects.values()))

    nine.close_link()
    nine.save()

    assert not Appointment.objects.with_token(first).exists()
    settings.LINK_KEY = "another key"
    assert nine.token != first


def test_no_row_of_a_patient_says_a_name(nine):
    assert "Ada" not in f"{nine} {nine!r}"


def test_every_reserved_word_and_state_is_in_the_first_migration():
    """The rule that later work stands on has its final form from the start."""
    names = {constraint.name for constraint in Appointment._meta.constraints}
    assert "booking_appointment_never_two_at_once" in names
    assert {"held_until", "held_for", "is_override", "override_by", "override_reason"} <= {
        field.name for field in Appointment._meta.get_fields()
    }
    assert Therapist._meta.constraints


def test_who_is_away_is_asked_for_some_therapists_alone(therapist):
    """However many work for the group, a page of free times reads the absences of its own."""
    other, nobody = a_therapist("somebody-else"), None
    theirs, _, everyones = (
        an_absence(one, in_days(number), in_days(number + 1)) for number, one in enumerate((therapist, other, nobody))
    )

    assert set(Absence.objects.keeping_away(therapist.pk)) == {theirs, everyones}


INDEXES_ALIKE = """
SELECT array_agg(indexrelid::regclass::text) FROM pg_index JOIN pg_class AS tables ON tables.oid = indrelid
WHERE tables.relname = 'booking_appointment'
GROUP BY indkey::text, coalesce(pg_get_expr(indpred, indrelid), '') HAVING count(*) > 1
"""


def test_no_two_indexes_of_visits_are_over_the_same(db):
    """Each is written with every booking, and at ten million visits is over a gigabyte."""
    with connection.cursor() as cursor:
        cursor.execute(INDEXES_ALIKE)
        assert cursor.fetchall() == []
