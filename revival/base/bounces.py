"""Bounces: mark a mail as refused when a mail server that had taken it sends it back."""

from __future__ import annotations

from email.parser import BytesHeaderParser
from enum import StrEnum

from django.apps import apps

from .delivery_reports import NoReportError, read_report
from .mail import Mail
from .refusals import RefusalTable
from .verp import Token

ADDRESS_HEADERS = ("X-Original-To", "Delivered-To", "To")


class Outcome(StrEnum):
    """What became of a mail that came to BOUNCE_ADDRESS, in words for the log."""

    REFUSED = "marked as refused"
    NO_MAIL = "dropped: it names none of our mails"
    NO_REPORT = "dropped: it is no delivery report"
    NOT_FAILED = "dropped: the mail was delivered, or is still being tried"
    OVER = "dropped: its token is not ours, or the mail was refused, sent again or dealt with since"


def take_bounce(raw: bytes, *, recipient: str = "") -> Outcome:
    """Read what a mail server has returned, and mark the mail it is about.

    `recipient` is whom the server got it for; without it, the headers say so. Raises UnreadableReportError, and
    BusyError when the database cannot answer.
    """
    token = Token.in_address(recipient) if recipient else _token_in_headers(raw)
    if token is None:
        return Outcome.NO_MAIL
    try:
        report = read_report(raw)
    except NoReportError:
        return Outcome.NO_REPORT
    if not report.has_failed:
        return Outcome.NOT_FAILED
    return Outcome.REFUSED if _mark_as_refused(token, report.status) else Outcome.OVER


def _token_in_headers(raw: bytes) -> Token | None:
    mail = BytesHeaderParser().parsebytes(raw)
    texts = (str(text) for name in ADDRESS_HEADERS for text in mail.get_all(name, []))
    return next(filter(None, map(Token.in_address, texts)), None)


@RefusalTable().action
def _mark_as_refused(token: Token, status: str) -> bool:
    """Mark the mail as one that the mail server refused, unless something has become of it since; True if so.

    Waits for the worker that is sending it: a bounce may come before the worker has written down that it left.
    """
    for table in (model for model in apps.get_models() if issubclass(model, Mail)):
        row = table._default_manager.select_for_update(of=("self",)).filter(public_id=token.public_id).first()
        if row is not None and row.delivery == Mail.Delivery.SENT and token.is_of(row):
            row.delivery, row.last_answer = Mail.Delivery.REFUSED, f"Bounced {status}".strip()
            row.save(update_fields=["delivery", "last_answer"])
            return True
    return False
