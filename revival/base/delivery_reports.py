"""Delivery reports (RFC 3464): whether a mail server that took a mail has given up on it, and with which status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

MOST_MULTIPARTS = 20
"""Hundreds of parts in parts, as only a mail made to keep us busy has, take the parser 20 seconds."""
PLAIN, INTERNATIONAL = "message/delivery-status", "message/global-delivery-status"  # the latter by RFC 6533
REACHED = {"delivered", "relayed", "expanded"}
_ACTION = re.compile(r"\s*([a-z]+)", re.IGNORECASE | re.ASCII)
_STATUS = re.compile(r"(?<![0-9.])[45]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")  # RFC 3463, of failures


class NoReportError(Exception):
    """The mail is no delivery report: an automatic reply, a read receipt, advertising."""


class UnreadableReportError(Exception):
    """The mail says that it is a delivery report, but not about whom or what happened."""


@dataclass(frozen=True)
class DeliveryReport:
    has_failed: bool
    status: str = ""
    """Such as 5.1.1; empty when the report gives none that means a failure."""


def read_report(raw: bytes) -> DeliveryReport:
    """Read a mail, or its start. Raises NoReportError or UnreadableReportError.

    It has failed when a recipient has, and none was reached: an address of ours may be forwarded to several. A server
    that still tries ("delayed") has not given up.
    """
    try:
        recipients = [fields for fields in _status_fields(raw) if _action(fields)]
    except (NoReportError, UnreadableReportError):
        raise
    except Exception as error:  # the library raises all kinds of errors for mails that are made to break it
        raise UnreadableReportError from error
    if not recipients:
        raise UnreadableReportError
    failed = [fields for fields in recipients if _action(fields) == "failed"]
    if not failed or any(_action(fields) in REACHED for fields in recipients):
        return DeliveryReport(has_failed=False)
    return DeliveryReport(has_failed=True, status=_status(failed[0]))


def _status_fields(raw: bytes) -> list[Message]:
    """The groups of fields of a report: one about the report, one for each recipient (RFC 3464, 2.1)."""
    if raw.lower().count(b"multipart/") > MOST_MULTIPARTS:
        raise UnreadableReportError
    parts = list(_parts(message_from_bytes(raw)))
    report = next((part for part in parts if part.get_content_type() == "multipart/report"), None)
    status = next((part for part in parts if part.get_content_type() in (PLAIN, INTERNATIONAL)), None)
    if report is None or (status is None and "delivery-status" not in str(report["Content-Type"]).lower()):
        raise NoReportError
    if status is None or not status.is_multipart():
        raise UnreadableReportError
    groups: list[Message] = status.get_payload()  # type: ignore[assignment]  # a list, since it is_multipart
    if status.get_content_type() == PLAIN:
        return groups
    [first] = groups  # the library takes this type for a mail: one group of fields, and the others for its text
    rest = message_from_bytes(f"Content-Type: {PLAIN}\n\n".encode() + first.get_payload(decode=True))  # type: ignore[operator]
    return [first, *rest.get_payload()]


def _parts(mail: Message) -> Iterator[Message]:
    """The parts of a mail in order, each multipart before its own; never those of a mail that is attached."""
    waiting = [mail]
    while waiting:
        part = waiting.pop(0)
        yield part
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting[:0] = part.get_payload()  # type: ignore[assignment]  # a list, since it is_multipart


def _action(fields: Message) -> str:
    """`failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464, 2.3.3); empty without that field."""
    match = _ACTION.match(str(fields.get("Action", "")))
    return match[1].lower() if match else ""


def _status(fields: Message) -> str:
    match = _STATUS.search(str(fields.get("Status", "")))
    return match[0] if match else ""
