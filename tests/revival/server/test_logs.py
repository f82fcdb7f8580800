import json
import logging
import sys
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from django.core.exceptions import DisallowedHost
from django.db import IntegrityError, connection
from django.test import Client

from revival.server import logs


class Caught(logging.Handler):
    def __init__(self):
        super().__init__()
        self.setFormatter(logs.JsonFormatter())
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))

    @property
    def text(self):
        return "\n".join(self.lines)


@pytest.fixture
def caught():
    handler = Caught()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_each_line_is_json(caught):
    logging.getLogger("booking").warning("%d holds ended", 3)

    line = json.loads(caught.text)
    assert line["level"] == "warning"
    assert line["logger"] == "booking"
    assert line["event"] == "3 holds ended"


@pytest.mark.parametrize(
    ("environment", "formatter"),
    [
        ({}, logs.JsonFormatter),
        ({"REVIVAL_MODE": "production"}, logs.JsonFormatter),
        ({"REVIVAL_MODE": "trial"}, logs.LineFormatter),
        ({"REVIVAL_MODE": "dev"}, logs.LineFormatter),
        ({"REVIVAL_MODE": "trial", "LOG_FORMAT": "json"}, logs.JsonFormatter),
    ],
)
def test_production_logs_json_and_a_trial_copy_short_lines(monkeypatch, environment, formatter):
    monkeypatch.delenv("REVIVAL_MODE", raising=False)
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert type(logs.chosen_formatter()) is formatter


def test_a_short_line_has_the_same_fields_as_json():
    fields = {"method": "GET", "url": "home", "status": 200, "ms": 0.2}
    record = logging.makeLogRecord({"name": "gunicorn.access", "levelname": "INFO", "msg": "request", "fields": fields})

    line = logs.LineFormatter().format(record)

    assert line.endswith(" request method=GET url=home status=200 ms=0.2")
    assert set(logs.JsonFormatter().fields(record)) == {"time", "level", "logger", "event", *fields}


@pytest.mark.django_db
@pytest.mark.urls("tests.broken_urls")
def test_an_error_is_told_by_class_and_place_and_the_address_by_its_name(caught):
    Client(raise_request_exception=False).get("/visits/a-secret-token/bug/?q=Jane")

    line = next(json.loads(line) for line in caught.lines if '"error"' in line)
    assert (line["status"], line["url"], line["error"]["type"]) == (500, "bug", "ValueError")
    assert any("broken_urls.py" in place for place in line["error"]["at"])
    assert "secret" not in caught.text
    assert "Jane" not in caught.text


def test_a_page_not_found_does_not_tell_its_address(client, caught):
    client.get("/jane@example.com/a-secret-token/")

    assert '"status": 404' in caught.text
    assert "jane" not in caught.text
    assert "secret" not in caught.text


def test_a_host_we_do_not_serve_is_not_quoted(client, caught, settings):
    settings.ALLOWED_HOSTS = ["clinic.example"]

    client.get("/robots.txt", headers={"host": "jane.example"})

    assert '"status": 400' in caught.text
    assert "jane" not in caught.text
    assert DisallowedHost.__name__ in caught.text


@pytest.mark.django_db
def test_a_broken_constraint_is_told_by_sqlstate_and_name(caught):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE patient (name text CONSTRAINT nobody_is_jane CHECK (name <> 'Jane'))")
        try:
            cursor.execute("INSERT INTO patient VALUES ('Jane')")
        except IntegrityError as error:
            logging.getLogger("booking").exception("refused: %s", error)

    line = json.loads(caught.text)
    assert line["error"]["sqlstate"] == "23514"
    assert line["error"]["constraint"] == "nobody_is_jane"
    assert "Failing row" not in caught.text
    assert line["event"] == "refused: IntegrityError 23514 nobody_is_jane"


def test_an_exceptions_cause_is_described_too():
    try:
        try:
            raise psycopg.OperationalError("password of Jane")
        except psycopg.OperationalError as cause:
            raise RuntimeError("Jane") from cause
    except RuntimeError:
        described = logs.describe(sys.exc_info()[1])

    assert described["cause"] == "OperationalError"
    assert "Jane" not in json.dumps(described)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("/visits/abc/cancel/", "/visits/…"),
        ("/book/?from=2026-01-01", "/book"),
        ("/jane@example.com", "/other"),
        ("", "/"),
    ],
)
def test_only_a_known_first_segment_is_shown(path, shown):
    assert logs.first_segment(path) == shown


def test_the_access_log_holds_no_personal_data(monkeypatch):
    caught = Caught()
    logger = logs.GunicornLogger.__new__(logs.GunicornLogger)
    logger.access_log = logging.getLogger("tests.access")
    monkeypatch.setattr(logger.access_log, "handlers", [caught])
    monkeypatch.setattr(logger.access_log, "propagate", False)
    monkeypatch.setattr(logs.GunicornLogger, "access_log_enabled", True)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/visits/secret/",
        "QUERY_STRING": "secret",
        "HTTP_REFERER": "secret",
        "HTTP_USER_AGENT": "secret",
        "REMOTE_ADDR": "10.1.2.3",
    }

    logger.access(SimpleNamespace(status="200 OK"), None, environ, timedelta(milliseconds=12))

    line = json.loads(caught.text)
    assert (line["method"], line["url"], line["status"], line["ms"]) == ("GET", "/visits/…", 200, 12.0)
    assert "secret" not in caught.text
    assert "10.1.2.3" not in caught.text


def test_the_development_servers_lines_hold_no_path(caught):
    log = logging.getLogger("django.server")
    log.info('"%s" %s %s', "GET /visits/secret/?q=Jane HTTP/1.1", "200", "9", extra={"request": object()})

    assert json.loads(caught.text)["event"] == "GET /visits/…"


def test_a_record_that_cannot_be_written_is_not_quoted(caught):
    logging.getLogger("booking").warning("odd", extra={"fields": "Jane"})

    assert json.loads(caught.text)["event"].startswith("unreadable")
    assert "Jane" not in caught.text


def test_gunicorns_complaints_do_not_quote_the_request(caught):
    log = logging.getLogger("gunicorn.error")
    for line in ("Invalid request from ip=10.1.2.3: secret", "Error handling request GET /visits/secret"):
        record = log.makeRecord("gunicorn.error", logging.WARNING, "", 0, line, (), None)
        assert "secret" not in caught.format(record)
        assert "10.1" not in caught.format(record)
