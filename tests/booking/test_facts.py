"""Facts of the clinic, its services and therapists: each is on the pages and mails that need it, and only when set."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.mail.compose import compose
from booking.models import Clinic, Kind, Message, Service, State, Therapist
from tests.exhaustive import EXHAUSTIVE
from tests.factories import a_service, an_appointment, in_days, working_all_week

pytestmark = pytest.mark.django_db

HOME, THERAPIST, CHOOSE, DETAILS = "home", "therapist", "first step", "details"
VISIT, CONFIRMED, REMINDER, REMINDER_TEXT = "visit page", "confirmed", "reminder", "reminder as text"
BEFORE = {HOME, THERAPIST, CHOOSE, DETAILS}
EVERYWHERE = BEFORE | {VISIT, CONFIRMED, REMINDER, REMINDER_TEXT}

FACTS = [
    (Clinic, {"address_line": "7 Main Street"}, "7 Main Street", "", EVERYWHERE),
    (Clinic, {"city": "Riverton", "state": "MN", "postal_code": "55499"}, "Riverton, MN 55499", "", EVERYWHERE),
    (Clinic, {"directions": "Bus 94 stops here."}, "Bus 94 stops here.", "Getting here", EVERYWHERE),
    (Clinic, {"parking": "Park in the yard."}, "Park in the yard.", "Parking", EVERYWHERE),
    (Clinic, {"arrival": "Ring twice."}, "Ring twice.", "When you arrive", EVERYWHERE),
    (Clinic, {"building_access": "One low step."}, "One low step.", "Getting into the building", EVERYWHERE),
    (Clinic, {"what_to_wear": "Shorts."}, "Shorts.", "What to wear", EVERYWHERE),
    (Clinic, {"what_to_bring": "Your old scans."}, "Your old scans.", "What to bring", EVERYWHERE),
    (Clinic, {"languages": "English, Hmong"}, "English, Hmong", "Languages we speak", EVERYWHERE),
    (Clinic, {"insurance": "ask"}, "Ask us whether", "Insurance", EVERYWHERE),
    (Clinic, {"insurance": "none"}, "We take no insurance.", "Insurance", EVERYWHERE),
    (Clinic, {"insurance": "listed", "insurance_names": "Plan A"}, "Plan A", "Insurance", EVERYWHERE),
    (Clinic, {"treats": "Stiff shoulders"}, "Stiff shoulders", "What we treat", {HOME}),
    (Service, {"description": "We look and talk."}, "We look and talk.", "", BEFORE),
    (Service, {"includes": "A plan for home."}, "A plan for home.", "", BEFORE),
    (Service, {"may_include_cupping": True}, "Cupping can be part of it.", "", BEFORE),
    (Service, {"fee": "$87"}, "$87", "f you pay yourself", EVERYWHERE),
    (Therapist, {"degree": "DPT, Elm College"}, "DPT, Elm College", "Degree", {THERAPIST}),
    (Therapist, {"license_number": "MN-4711"}, "MN-4711", "License", {THERAPIST}),
    (Therapist, {"practicing_since": 2009}, "2009", "In practice since", {THERAPIST}),
    (Therapist, {"focus": "Runners"}, "Runners", "Focus", {THERAPIST}),
    (Therapist, {"languages": "English, Norwegian"}, "English, Norwegian", "Languages", {THERAPIST}),
    (Therapist, {"about": "I run, too."}, "I run, too.", "", {THERAPIST}),
]
HEADINGS = sorted({heading for *_, heading, _ in FACTS if heading} | {"Before you come", "Where", "Directions"})


@pytest.fixture
def visit(therapist):
    working_all_week(therapist)
    service = a_service(therapist, name="First visit", slug="first-visit")
    a_service(therapist, name="Long visit", slug="long-visit")  # with one only, the first step would lead on at once
    return an_appointment(therapist, service, in_days(3), State.CONFIRMED)


def words_of(html):
    """What can be read, without the header and the data for search engines."""
    body = re.sub(r"(?s)<(script|style|head|header)\b.*?</\1>", " ", html)
    return " ".join(re.sub("<[^>]+>", " ", body).split())


def mail_of(kind, visit):
    message = Message(kind=kind, appointment=visit, starts_at=visit.starts_at, ends_at=visit.ends_at)
    return compose(message)


@pytest.fixture
def details(client, visit):
    """The address of the page for the details, of a time that is held."""
    return client.post("/book/peter-stanley/first-visit/", {"start": in_days(9, 10).isoformat()})["Location"]


def all_pages(client, visit, details):
    """What each page and mail says, by its name."""
    paths = {
        HOME: "/",
        THERAPIST: "/therapists/peter-stanley/",
        CHOOSE: "/book/",
        DETAILS: details,
        VISIT: visit.get_absolute_url(),
    }
    said = {name: client.get(path).text for name, path in paths.items()}
    visit.refresh_from_db()
    reminder = mail_of(Kind.REMINDER_DAY, visit)
    said[CONFIRMED] = mail_of(Kind.CONFIRMED, visit).alternatives[0].content
    said[REMINDER] = reminder.alternatives[0].content
    return {name: words_of(html) for name, html in said.items()} | {REMINDER_TEXT: " ".join(reminder.body.split())}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: "-".join(fact[1]))
def test_each_fact_is_on_each_page_that_needs_it_and_on_no_other(client, visit, details, fact):
    model, values, words, heading, places = fact
    model.objects.update(**values)

    pages = all_pages(client, visit, details)

    assert {name for name, text in pages.items() if words in text} == places | footers(values)
    if heading:
        assert {name for name, text in pages.items() if heading in text} >= places


def footers(values):
    """The footer of each page has the address."""
    return {HOME, THERAPIST, CHOOSE, DETAILS, VISIT} if {"address_line", "city"} & set(values) else set()


def test_while_nothing_is_set_no_heading_of_a_fact_is_there(client, visit, details):
    for name, text in all_pages(client, visit, details).items():
        assert [heading for heading in HEADINGS if re.search(rf"\b{heading}\b(?! with )", text)] == [], name


@settings(
    max_examples=40 if EXHAUSTIVE else 6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(chosen=st.sets(st.integers(0, len(FACTS) - 1)))
def test_pages_state_the_facts_that_are_set_and_no_other(client, visit, details, chosen):
    for model, values, *_ in FACTS:
        model.objects.update(**{field: model._meta.get_field(field).get_default() for field in values})
    for number in chosen:
        model, values, *_ = FACTS[number]
        model.objects.update(**values)

    pages = all_pages(client, visit, details)

    rows = {Clinic: Clinic.objects.get(), Service: Service.objects.first(), Therapist: Therapist.objects.get()}
    for model, values, words, _heading, places in FACTS:
        is_set = all(getattr(rows[model], field) == value for field, value in values.items())
        assert {name for name in places if words in pages[name]} == (places if is_set else set()), words


# ---- examples ----


@pytest.fixture
def trial_copy(db):
    call_command("load_clinic", example=True, verbosity=0)
    return an_appointment(Therapist.objects.first(), Service.objects.get(), in_days(3), State.CONFIRMED)


def test_a_trial_copy_calls_its_examples_so(client, trial_copy):
    home = words_of(client.get("/").text)

    for name in ("What we treat", "Parking", "Cost, if you pay yourself", "Consultation", "Where"):
        assert f"{name} (example)" in home
    assert "License (example)" in words_of(client.get("/therapists/peter-stanley/").text)
    assert "Parking (example)" in mail_of(Kind.CONFIRMED, trial_copy).body


def test_production_states_no_example_anywhere(client, admin_client, trial_copy, settings):
    settings.IS_PRODUCTION = True
    trial_copy.refresh_from_db()
    clinic, therapist = Clinic.objects.get(), Therapist.objects.first()

    texts = [
        client.get(path).text for path in ("/", "/therapists/peter-stanley/", "/book/", trial_copy.get_absolute_url())
    ]
    visit = type(trial_copy).objects.select_related("service", "therapist").get()
    mail = mail_of(Kind.CONFIRMED, visit)
    texts += [mail.body, mail.alternatives[0].content]

    for text in texts:
        for words in (
            "(example)",
            "Example Street",
            "Exampleville",
            "EXAMPLE-",
            "Bus 1 stops",
            "$100",
            "Before you come",
        ):
            assert words not in text
    assert (clinic.address, clinic.treated, therapist.facts) == ("", [], [])
    assert "Example Street" not in admin_client.get("/admin/booking/clinic/1/change/").text


def test_an_example_is_the_clinics_own_once_it_was_changed_at_the_desk(admin_client, trial_copy):
    from tests.guest import form_fields

    address = "/admin/booking/clinic/1/change/"
    assert "Each stays one until you write your own." in admin_client.get(address).text
    typed = form_fields(admin_client.get(address).text) | {"parking": "In the yard.\r\nFree.", "_save": "Save"}
    saved = admin_client.post(address, {name: value for name, value in typed.items() if value not in (None, False)})

    clinic = Clinic.objects.get()
    assert saved.status_code == 302
    assert clinic.parking == "In the yard.\nFree."
    assert "parking" not in clinic.example_facts
    assert "directions" in clinic.example_facts


def test_the_desk_lists_what_is_missing_and_what_is_only_an_example(admin_client, trial_copy):
    Clinic.objects.update(parking="", what_to_wear="Shorts.", example_facts=["address_line", "directions"])

    items = words_of(admin_client.get("/admin/").text.split('id="todo"')[1].split("</section>")[0])

    before = items.split("Before you come")[1].split("Working hours")[0]
    assert "Not set: parking. Examples: directions." in before
    assert "The address is an example." in items
    assert "Examples: their own words, degree, license number" in items
    assert "Examples: description, fee, what it includes." in items


# ---- what can be entered ----


@pytest.mark.parametrize(
    ("model", "field", "value", "words"),
    [
        (Clinic, "parking", "free\u202eyard", "characters we can’t read"),
        (Clinic, "city", "Minne\napolis", "Type this on one line"),
        (Clinic, "parking", "x" * 601, "at most 600"),
        (Clinic, "insurance", "listed", "Name the insurance you take"),
        (Clinic, "treats", "Back pain https://elsewhere.example/", "the address of an article of this site"),
        (Clinic, "treats", "/articles/cupping-for-back-pain/", "the address of an article of this site"),
        (Clinic, "treats", "\n".join(["Back pain"] * 21), "at most 20 lines"),
        (Therapist, "license_url", "http://board.example/", "begins with https://"),
        (Therapist, "license_url", "https://board.example/", "Give the license number, too"),
        (Therapist, "practicing_since", 1066, "Give a year"),
        (Therapist, "practicing_since", 2999, "Give a year"),
        (Service, "fee", "$87\n$90", "Type this on one line"),
    ],
)
def test_what_no_page_could_state_is_refused(visit, model, field, value, words):
    row = model.objects.first()
    setattr(row, field, value)

    with pytest.raises(ValidationError, match=words):
        row.full_clean()


def test_the_database_refuses_a_license_page_that_is_not_https(visit):
    with pytest.raises(IntegrityError, match="license_is_looked_up"), transaction.atomic():
        Therapist.objects.update(license_number="1", license_url="http://board.example/")


def test_the_license_is_looked_up_where_the_state_board_says(client, visit):
    Therapist.objects.update(license_number="MN-1", license_url="https://board.example/look-up")

    page = client.get("/therapists/peter-stanley/").text

    assert '<a class="no-print" href="https://board.example/look-up" rel="noreferrer">Look up the license</a>' in page


def test_the_address_as_it_was_typed_before_it_had_parts_is_kept_whole(clinic):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE booking_clinic SET address = 'Mill House' || chr(10) || '7 Main Street, Riverton'")

    assert Clinic.objects.get().address == "Mill House\n7 Main Street, Riverton"


def test_what_we_treat_leads_to_articles_that_can_be_read(client, trial_copy):
    from articles.models import Article

    link = '<a href="/articles/cupping-for-back-pain/">Back pain</a>'
    assert link in client.get("/").text

    Article.objects.update(stage="draft")

    page = client.get("/").text
    assert link not in page
    assert "Back pain" in page


def test_several_fees_are_each_said_with_the_service(client, visit):
    for service in Service.objects.all():
        service.fee = f"${len(service.name)}"
        service.save()

    home = words_of(client.get("/").text)

    assert "Cost, if you pay yourself First visit: $11 Long visit: $10" in home
