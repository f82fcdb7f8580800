"""Logs without personal data: JSON lines in production, short lines for people in a trial copy.

Nothing that may identify a person is logged: no address beyond its first segment (visit links are
private), no network address, no text of an exception (PostgreSQL's quotes the row).
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.http import HttpRequest
from gunicorn import glogging

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from gunicorn.config import Config
    from gunicorn.http.message import Request
    from gunicorn.http.wsgi import Response

MOST_FRAMES = 12


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        try:
            return json.dumps(self.fields(record), ensure_ascii=False, default=type_name)
        except Exception as error:  # else logging writes the record with all its arguments
            return json.dumps({"level": "error", "logger": record.name, "event": f"unreadable: {summary(error)}"})

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event_text(record),
        }
        fields.update(getattr(record, "fields", {}))
        if hasattr(record, "status_code"):
            fields["status"] = record.status_code
        if isinstance(request := getattr(record, "request", None), HttpRequest):
            fields["url"] = url_name(request)
        if record.exc_info and record.exc_info[1]:
            fields["error"] = describe(record.exc_info[1])
        return fields


class LineFormatter(JsonFormatter):
    """The same fields as one short line: 13:14:38 request method=GET url=home status=200 ms=0.2"""

    def format(self, record: logging.LogRecord) -> str:
        try:
            fields = self.fields(record)
        except Exception as error:  # else logging writes the record with all its arguments
            return f"unreadable: {summary(error)}"
        time, level, _, event = (str(fields.pop(name)) for name in ("time", "level", "logger", "event"))
        shown = [time[11:19], *([level.upper()] if level != "info" else []), event]
        return " ".join([*shown, *(f"{name}={value}" for name, value in fields.items())])


def chosen_formatter() -> logging.Formatter:
    """By LOG_FORMAT, `json` or `lines`; unset, JSON in production. Read late: `.env` is read with the settings."""
    is_production = os.environ.get("REVIVAL_MODE", "production") == "production"
    chosen = os.environ.get("LOG_FORMAT") or ("json" if is_production else "lines")
    return LineFormatter() if chosen == "lines" else JsonFormatter()


def type_name(value: object) -> str:
    return type(value).__name__


def event_text(record: logging.LogRecord) -> str:
    """The record's message, without values that may identify a person."""
    if record.name == "django.server":
        return runserver_line(record)
    if hasattr(record, "status_code") or hasattr(record, "request"):
        return "request answered with an error"  # Django's own text holds the path, or the exception's
    if record.name.startswith("gunicorn.error"):
        return gunicorn_line(record)
    try:
        return str(record.msg) % without_error_texts(record.args) if record.args else str(record.msg)
    except (TypeError, ValueError):
        return str(record.msg)


def gunicorn_line(record: logging.LogRecord) -> str:
    text = str(record.msg)
    if text.startswith("Invalid request from"):
        return "invalid request"  # ends in the network address and the line that was sent
    if text.startswith("Error handling request"):
        return "error handling request"
    return text % without_error_texts(record.args) if record.args else text


def runserver_line(record: logging.LogRecord) -> str:
    if not record.args or not isinstance(record.args, tuple):
        return str(record.msg)
    method, _, rest = str(record.args[0]).partition(" ")
    return f"{method} {first_segment(rest.split(' ')[0])}"


def without_error_texts(arguments: tuple[object, ...] | Mapping[str, object]) -> tuple[object, ...] | dict[str, object]:
    """Log arguments with exceptions described instead of quoted."""
    if isinstance(arguments, Mapping):
        return {key: without_error_text(value) for key, value in arguments.items()}
    return tuple(without_error_text(value) for value in arguments)


def without_error_text(value: object) -> object:
    return summary(value) if isinstance(value, BaseException) else value


def describe(error: BaseException) -> dict[str, object]:
    """Class, SQLSTATE, constraint and places in the code; never the exception's own words."""
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    description: dict[str, object] = {
        "type": type(error).__name__,
        **database_fields(error),
        "at": [f"{short_path(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        description["cause"] = summary(cause)
    return description


def summary(error: BaseException) -> str:
    """`IntegrityError 23505 booking_…`: class, SQLSTATE and constraint in one line."""
    return " ".join([type(error).__name__, *database_fields(error).values()])


def database_fields(error: BaseException) -> dict[str, str]:
    """SQLSTATE and constraint name; Django wraps the driver's error, so look at the cause too."""
    for candidate in (error, error.__cause__):
        if sqlstate := getattr(candidate, "sqlstate", None):
            constraint = getattr(getattr(candidate, "diag", None), "constraint_name", None)
            return {"sqlstate": str(sqlstate)} | ({"constraint": constraint} if constraint else {})
    return {}


def short_path(path: str) -> str:
    for marker in ("/site-packages/", "/revival/", "/articles/", "/booking/"):
        if marker in path:
            before = "" if marker == "/site-packages/" else marker.strip("/") + "/"
            return before + path.rsplit(marker, 1)[1]
    return path.rsplit("/", 1)[-1]


def url_name(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.view_name if match else first_segment(request.path)


def first_segment(path: str) -> str:
    """`/visits/…` for `/visits/<token>/cancel/`, so that requests can be counted and no private link is logged."""
    parts = path.split("?")[0].split("/")
    if len(parts) < 2 or not parts[1]:
        return "/"
    # An unknown first segment may be anything, a pasted link or an e-mail address included.
    segment = parts[1] if parts[1] in KNOWN_SEGMENTS else "other"
    return f"/{segment}/…" if any(parts[2:]) else f"/{segment}"


KNOWN_SEGMENTS = {
    *("admin", "articles", "book", "faq", "feeds", "healthz", "images", "privacy", "readyz"),
    *("robots.txt", "search", "sitemap.xml", "static", "therapists", "visits", "waitlist", ".well-known"),
}


class GunicornLogger(glogging.Logger):
    """gunicorn's error log and access log in the same form, without personal data."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(chosen_formatter())

    def access(self, resp: Response, req: Request, environ: WSGIEnvironment, request_time: timedelta) -> None:
        if not self.access_log_enabled:
            return
        fields = {
            "method": environ.get("REQUEST_METHOD", "-"),
            "url": environ.get("revival.url_name") or first_segment(environ.get("PATH_INFO", "/")),
            "status": int(str(resp.status).split()[0]),
            "ms": round(request_time.total_seconds() * 1000, 1),
        }
        self.access_log.info("request", extra={"fields": fields})


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"chosen": {"()": chosen_formatter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Django gives these two handlers of their own, which write the path and mail the error.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # Its INFO lines hold each job's arguments and result.
        "procrastinate": {"level": "WARNING"},
        "axes": {"level": "CRITICAL"},  # its warnings name the person and the address
    },
}
