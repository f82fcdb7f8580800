"""Something odd in every parameter of every address, and in every field of every form: never a fault, nothing stored
by looking. In process, with a real PostgreSQL; what depends on the wire is in test_http."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from articles.search import search
from booking.patients.forms.ask import AskForm
from booking.patients.forms.person import FindForm
from booking.patients.forms.visits import CancelForm, DetailsForm, MoveForm, StartForm
from tests.attacks import sweep
from tests.attacks.places import public_addresses, public_names
from tests.exhaustive import EXHAUSTIVE
from tests.revival.staff.test_permissions import addresses, named_urls
from tests.staff import SUPERUSER, one_of_each_kind, staff_user

NOT_FOR_US = {"logout", "still_here"}
"""They end the session that looks at the other pages."""
LOOKS = {"booking_accesslog", "django_session", "booking_dailycount", "booking_articlecount", "django_admin_log"}
"""Tables that are written because somebody looks."""


@pytest.fixture
def rows(db):
    return one_of_each_kind.put_in()


@pytest.fixture
def desk(db):
    client = Client()
    client.force_login(staff_user(SUPERUSER))
    return client


@pytest.fixture
def desk_paths(rows):
    found = addresses(rows)
    assert set(found) == named_urls()
    return {name: path for name, path in found.items() if name not in NOT_FOR_US}


@pytest.fixture
def guest(db):
    return Client()


@pytest.fixture
def public_paths(rows, guest):
    return public_addresses(rows, guest)


def stored() -> list[str]:
    return sorted(set(connection.introspection.table_names()) - LOOKS)


def test_each_public_address_is_attacked(public_paths, guest):
    assert set(public_paths) == public_names()
    answers = {name: guest.get(path).status_code for name, path in public_paths.items()}
    posts_alone, nothing, leads_on = {"booking:accept", "booking:decline"}, {"articles:image"}, {"favicon"}
    assert {name for name, status in answers.items() if status != 200} == posts_alone | nothing | leads_on


@pytest.mark.parametrize("where", ["public_paths", "desk_paths"])
def test_no_parameter_breaks_a_page_or_changes_anything(request, guest, desk, where):
    paths = request.getfixturevalue(where)
    client = guest if where == "public_paths" else desk
    known = [*sweep.names_in_the_code(), *sweep.OF_THE_ADMIN]
    before = sweep.digests(stored())

    found = [line for path in paths.values() for line in sweep.sweep_query(client, path, known)]

    assert found == []
    assert sweep.digests(stored()) == before


def test_no_field_of_a_public_form_breaks_it(guest, public_paths):
    found, sent = [], 0
    done: set[tuple[str, str]] = set()
    for path in public_paths.values():
        some, many = sweep.sweep_forms(guest, path, each=3 * sweep.EACH, done=done)
        found, sent = found + some, sent + many

    assert found == []
    assert sent > 120


def test_no_field_of_a_form_of_the_desk_breaks_it(desk, desk_paths):
    found, sent = [], 0
    done: set[tuple[str, str]] = set()
    for path in desk_paths.values():
        some, many = sweep.sweep_forms(desk, path, done=done)
        found, sent = found + some, sent + many

    assert found == []
    assert sent > 150
    assert desk.get("/admin/").status_code == 200  # signed in to the end


# ---- generated text -----------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(), max_size=60) | st.sampled_from([one for one in sweep.ODD if isinstance(one, str)])
UNHURRIED = settings(
    max_examples=60 if EXHAUSTIVE else 20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FORMS = [DetailsForm, AskForm, FindForm, CancelForm, StartForm, MoveForm]


@pytest.mark.django_db
@pytest.mark.parametrize("form", FORMS)
@UNHURRIED
@given(data=st.data())
def test_a_form_says_yes_or_no_to_any_text(form, data):
    typed = {name: data.draw(ANY_TEXT) for name in form.base_fields}

    filled = form(sweep_dict(typed))

    assert filled.is_valid() or filled.errors


@pytest.mark.django_db
@UNHURRIED
@given(typed=ANY_TEXT.filter(lambda text: "\0" not in text and text.isprintable()))
def test_any_text_can_be_searched_for(typed):
    search(typed[:100])


@UNHURRIED
@given(typed=st.text(st.characters(exclude_categories=["Cs"]), max_size=30), day=st.dates().map(str))
def test_any_day_and_any_word_is_answered(rows, typed, day):
    guest = Client()
    for query in ({"from": typed}, {"from": day}, {"from": day, "therapist": typed, "article": typed}):
        for path in ("/book/any/", "/book/", "/visits/find/"):
            assert guest.get(path, query).status_code < 500


def sweep_dict(typed):
    """As a request holds it."""
    found = QueryDict(mutable=True)
    for name, value in typed.items():
        found.appendlist(name, value)
    return found


# ---- controls -----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.urls("tests.attacks.holes")
def test_control_a_hole_in_sql_and_a_field_that_breaks_are_found(guest):
    in_sql = sweep.sweep_query(guest, "/hole/sql/", [], odd=["'"])
    in_form, _ = sweep.sweep_forms(guest, "/hole/form/", odd=["x"])

    assert len(in_sql) > 0
    assert "ProgrammingError" in in_sql[0] or "500" in in_sql[0]
    assert any("number" in line and "ValueError" in line for line in in_form)


@pytest.mark.django_db
@pytest.mark.urls("tests.attacks.holes")
def test_control_sql_that_only_takes_its_time_is_found(guest, monkeypatch):
    monkeypatch.setattr(sweep, "TOO_LONG", 0.3)

    found = sweep.sweep_query(guest, "/hole/sql/", [], odd=["' || pg_sleep(0.4) || '"])

    assert len(found) > 0
    assert all("200 after" in line for line in found)


def test_each_query_meets_sql():
    assert all(set(sweep.for_a_query(sweep.ODD, seed)) & set(sweep.SQL) for seed in map(str, range(200)))


@pytest.mark.django_db
@pytest.mark.urls("tests.attacks.holes")
def test_control_a_page_that_writes_when_it_is_looked_at_is_found(guest):
    before = sweep.digests(["booking_lostlink"])

    guest.get("/hole/look/")

    assert sweep.digests(["booking_lostlink"]) != before
