"""Rows keep the normal forms of their people, whoever writes them, and are found by them."""

import importlib

import pytest
from django.apps import apps

from booking.models import Appointment, ContactRequest, State, WaitlistEntry
from revival.models import Change
from tests.factories import a_clinic, a_service, a_therapist, an_appointment, asks, in_days, joins, working_all_week

KEYS = ("name_key", "patient_name_key", "email_key", "phone_e164", "phone_extension")
ZOE = {"name": "Zoë Müller", "patient_name": "José", "email": "Zoe@Bücher.example", "phone": "(612) 555-0142 x7"}
OF_ZOE = ("zoe muller", "jose", "zoe@xn--bcher-kva.example", "+16125550142", "7")

pytestmark = pytest.mark.django_db


@pytest.fixture
def therapist():
    a_clinic()
    therapist = a_therapist()
    working_all_week(therapist)
    return therapist


@pytest.fixture
def service(therapist):
    return a_service(therapist)


def keys_of(row):
    return tuple(getattr(row, key) for key in KEYS if hasattr(row, key))


def test_each_save_writes_them_and_forgetting_clears_them(therapist, service):
    visit = an_appointment(therapist, service, in_days(3), **ZOE)
    assert keys_of(visit) == OF_ZOE

    visit.forget_patient(in_days(0))
    visit.save()
    visit.refresh_from_db()

    assert keys_of(visit) == ("",) * len(KEYS)


def test_several_rows_at_once_get_them_too(therapist, service):
    visit = an_appointment(therapist, service, in_days(3), **ZOE)
    visit.pk, visit.public_id, visit.link_digest, visit.submission_key = None, None, "", None
    visit.put_at(therapist=therapist, service=service, starts_at=in_days(4))
    visit.public_id = Appointment._meta.get_field("public_id").get_default()
    visit.renew_link()

    Appointment.objects.bulk_create([visit])

    assert keys_of(Appointment.objects.get(pk=visit.pk)) == OF_ZOE


def test_a_number_without_a_country_code_is_one_of_the_clinics_country(therapist, service):
    a_clinic(country="DE")

    visit = an_appointment(therapist, service, in_days(3), name="Ada", phone="030 901820")

    assert visit.phone_e164 == "+4930901820"


def test_rows_from_before_get_them_without_a_line_in_the_change_log(therapist, service):
    visit = an_appointment(therapist, service, in_days(3), **ZOE)
    entry, wish = (
        joins(service, name="Ada", phone="612-555-0100"),
        asks(name="Ben", phone="no number", reach_by="phone"),
    )
    for model in (Appointment, WaitlistEntry, ContactRequest):
        model.objects.update(**{key: "" for key in KEYS if hasattr(model, key)})
    lines = Change.objects.count()

    importlib.import_module("booking.migrations.0028_people_fill_keys").fill(apps, None)

    for row in (visit, entry, wish):
        row.refresh_from_db()
    assert keys_of(visit) == OF_ZOE
    assert (entry.name_key, entry.phone_e164, wish.name_key, wish.phone_e164) == ("ada", "+16125550100", "ben", "")
    assert Change.objects.count() == lines


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        *[({"name": name}, True) for name in ("Zoe", "müller", "Müller, Zoë", "zoe mul", "MULLER zoë", "Jose")],
        *[({"name": name}, False) for name in ("Zoe Miller", "muller ada", "zoé x")],
        *[({"phone": phone}, True) for phone in ("0142", "612 555", "+1 612-555-0142", "６１２５５５０１４２ ext 3")],
        *[({"phone": phone}, False) for phone in ("612-555-0143", "9999")],
        *[({"email": email}, True) for email in ("zoe@", "ZOE@BÜCHER.example", "bcher-kva")],
        *[({"email": email}, False) for email in ("zoe@example", "x@")],
        ({"name": "zoe", "phone": "0142"}, True),
        ({"name": "zoe", "phone": "0143"}, False),
        ({"name": "."}, False),
        ({}, False),
    ],
)
def test_search_folds_case_and_accents_in_any_order(therapist, service, typed, is_found):
    visit = an_appointment(therapist, service, in_days(3), state=State.CONFIRMED, **ZOE)
    joins(service, visit=visit)

    for model in (Appointment, WaitlistEntry):
        assert model.objects.matching(**typed).exists() is is_found


def test_who_typed_otherwise_is_the_same_person_for_every_limit(therapist, service):
    visit = an_appointment(therapist, service, in_days(3), state=State.REQUESTED, **ZOE)
    typed_otherwise = Appointment(name="ZOE  Muller", patient_name="jose", email="", phone="+1 612 555 0142")

    assert Appointment.objects.of_patient(typed_otherwise).get() == visit
