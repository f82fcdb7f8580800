"""Private links: one derivation for each kind of page, and links that were mailed before open until they end."""

import base64
import hashlib
import hmac
import uuid

import pytest
from django.conf import settings
from django.db import connection

from booking.models import Appointment, EmailChange, OutageContact, WaitlistEntry
from booking.models.links import Derivation, keyed_digest, link_token, link_token_by_id
from tests.staff import an_outage, one_of_each_kind

KINDS = [Appointment, WaitlistEntry, OutageContact, EmailChange]


@pytest.fixture
def rows(db):
    return one_of_each_kind.put_in()


def of_before(public_id, version):
    """The token as the site of November 2026 made it."""
    digest = hmac.new(settings.LINK_KEY.encode(), f"{public_id}:{version}".encode(), "sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def made_before(row):
    """The row as code of before wrote it: without the new column, whose default in the database counts."""
    token = of_before(row.public_id, row.link_version)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {row._meta.db_table} SET link_derivation = DEFAULT, link_digest = %s WHERE id = %s",
            [hashlib.sha256(token.encode()).hexdigest(), row.pk],
        )
    row.refresh_from_db()
    return row


def row_of(model, rows):
    """One row with a link that opens a page."""
    if model is OutageContact:
        return an_outage(rows.therapist, rows.service, "Olga Out", 9).contacts.get()
    return {Appointment: rows.appointment, WaitlistEntry: rows.waitlistentry, EmailChange: rows.emailchange}[model]


@pytest.mark.parametrize("model", KINDS)
def test_a_link_that_was_mailed_before_opens_until_it_ends(client, rows, model):
    row = made_before(row_of(model, rows))
    mailed = row.get_absolute_url()

    assert row.token == of_before(row.public_id, row.link_version)
    assert client.get(mailed).status_code == 200

    row.close_link()
    row.save()

    assert client.get(mailed).status_code == 404
    assert client.get(row.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("model", KINDS)
def test_a_new_link_is_derived_for_its_purpose(client, rows, model):
    row = row_of(model, rows)

    assert row.link_derivation == Derivation.BY_PURPOSE
    assert row.token != of_before(row.public_id, row.link_version)
    assert client.get(row.get_absolute_url()).status_code == 200


def test_with_the_same_number_each_kind_has_a_token_of_its_own(rows):
    public_id = uuid.uuid4()
    tokens = [link_token(model.link_purpose, public_id, 1) for model in KINDS]

    assert len({*tokens, link_token_by_id(public_id, 1)}) == len(KINDS) + 1


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_token_of_one_kind_opens_nothing_of_another(client, rows, model, other):
    """Also when both rows had the same number, which never happens by itself."""
    row = row_of(model, rows)
    foreign = row if model is other else row_of(other, rows)
    if foreign is not row:
        foreign.public_id, foreign.link_version = row.public_id, row.link_version
        foreign.renew_link()
        foreign.save()
    address = foreign.get_absolute_url()

    answer = client.get(address.replace(foreign.token, row.token))

    assert answer.status_code == (200 if model is other else 404)


def test_a_purpose_is_a_word_so_that_no_text_is_taken_for_another():
    purposes = [*(model.link_purpose for model in KINDS), "submission"]

    assert len(set(purposes)) == len(purposes)
    assert not any(":" in purpose for purpose in purposes)
    assert keyed_digest("visit", "a:1") != keyed_digest("visit:a", "2")


def test_code_from_before_makes_links_that_open(rows, client):
    """It inserts without the new column while the new code is being put in place."""
    with connection.cursor() as cursor:
        for model in KINDS:
            cursor.execute(
                "SELECT column_default FROM information_schema.columns"
                " WHERE table_name = %s AND column_name = 'link_derivation'",
                [model._meta.db_table],
            )
            assert cursor.fetchone() == ("1",), model
