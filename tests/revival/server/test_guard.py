import re
from html import unescape

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from booking.models import Clinic, Therapist
from revival.site import errors
from revival.site.context import shipped_clinic


@pytest.fixture
def phone():
    return shipped_clinic().phone


def hidden_fields(html):
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return [(unescape(name), unescape(value)) for name, value in found]


def test_healthz_answers_without_database_and_to_any_host(client):
    response = client.get("/healthz", headers={"host": "unheard-of.example"})

    assert (response.status_code, response.text) == (200, "ok\n")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 408, 429, 500, 503])
def test_error_pages_are_drawn_without_request_and_database(status, phone):
    page = errors.error_page(status)

    assert page.status_code == status
    assert phone in page.text
    assert re.search(r"drawings[^\"#]*\.svg#[a-z]+\"/>\s*</svg>\s*<h1", page.text)


@pytest.mark.django_db
@pytest.mark.urls("tests.broken_urls")
@pytest.mark.parametrize("path", ["/book/gone/", "/book/closed/", "/book/busy/"])
def test_database_trouble_is_a_503_with_the_phone_number(client, phone, path):
    response = client.get(path)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert phone in response.text


@pytest.mark.django_db
@pytest.mark.urls("tests.broken_urls")
def test_what_was_typed_is_kept_and_can_be_sent_again():
    client = Client()

    response = client.post(
        "/book/gone/",
        {"name": 'Jane "JD" <Doe>', "note": "one\ntwo", "day": ["1", "2"], "password": "secret"},
    )

    fields = hidden_fields(response.text)
    assert ("name", 'Jane "JD" <Doe>') in fields
    assert ("note", "one\ntwo") in fields
    assert [value for name, value in fields if name == "day"] == ["1", "2"]
    assert "secret" not in response.text
    assert "Try again" in response.text


@pytest.mark.django_db
@pytest.mark.urls("tests.broken_urls")
def test_the_kept_form_passes_the_csrf_check():
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    first = client.post("/book/gone/", {"csrfmiddlewaretoken": "a" * 32, "name": "Jane"})

    again = client.post("/book/gone/", dict(hidden_fields(first.text)))

    assert (first.status_code, again.status_code) == (503, 503)  # not 403


@pytest.mark.django_db
@pytest.mark.urls("tests.broken_urls")
def test_a_bug_is_a_500_in_our_own_face(phone):
    response = Client(raise_request_exception=False).get("/book/bug/")

    assert response.status_code == 500
    assert phone in response.text
    assert "Jane" not in response.text


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/book/?from=%00", "/book/%00/", "/%00"])
def test_nul_bytes_in_addresses_are_refused(client, phone, path):
    response = client.get(path)

    assert response.status_code == 400
    assert phone in response.text


@pytest.mark.parametrize("data", [{"name": "a\x00b"}, {"na\x00me": "b"}])
def test_nul_bytes_in_forms_are_refused(client, data):
    assert client.post("/book/", data).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/book/x/", "/visits/x/", "/admin/x/", "/waitlist/x/"])
def test_private_pages_are_neither_stored_nor_indexed(client, path):
    response = client.get(path)

    assert response["Cache-Control"] == "no-store"
    assert response["X-Robots-Tag"] == "noindex"


def test_trouble_inside_middleware_is_a_503_too(client, monkeypatch, phone):
    def refuse(*args, **kwargs):
        raise OperationalError("secret")

    monkeypatch.setattr(Clinic.objects, "current_if_any", refuse)
    client.raise_request_exception = False

    response = client.post("/book/", {"name": "Jane"})

    assert response.status_code == 503
    assert phone in response.text
    assert ("name", "Jane") in hidden_fields(response.text)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 408, 500, 503])
def test_error_pages_need_no_database(status, phone):
    response = errors.error_page(status)

    assert response.status_code == status
    assert phone in response.text
    assert response.text.count("<h1") == 1


def test_robots_are_kept_out_of_private_pages():
    text = errors.robots(RequestFactory().get("/robots.txt")).text

    assert "Disallow: /visits/" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/", "/book/", "/admin/login/", "/nowhere/", "/%00", "/static/nothing.css", "/healthz"]
)
def test_no_other_site_may_embed_our_pages(client, path):
    expected = None if path == "/healthz" else "same-origin"

    assert client.get(path).headers.get("Cross-Origin-Resource-Policy") == expected


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/book/", "/admin/login/", "/nowhere/", "/%00", f"/images/{'a' * 64}.webp"])
def test_no_page_may_use_a_camera_or_the_like(client, path):
    policy = client.get(path)["Permissions-Policy"]

    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(policy.split(", "))


@pytest.mark.django_db
def test_our_pictures_may_be_shown_elsewhere_as_readers_of_the_feed_do(client):
    assert client.get(f"/images/{'a' * 64}.webp")["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.django_db
def test_a_form_of_the_desk_asked_for_by_a_column_that_is_none_is_refused(admin_client, phone):
    therapist = Therapist.objects.create(slug="t", name="T", short_name="T")

    for query in ("_to_field=", "_to_field=nothing"):
        answer = admin_client.get(f"/admin/booking/therapist/{therapist.pk}/change/?{query}")
        assert answer.status_code == 400
        assert phone in answer.text
