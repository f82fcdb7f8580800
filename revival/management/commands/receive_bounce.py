import logging
import os
import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from revival.base.bounces import take_bounce
from revival.base.delivery_reports import UnreadableReportError
from revival.base.refusals import BusyError

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
"""Of a mail that are kept and read. A report stands before the mail it returns, so it is found in a longer one, too."""


class Command(BaseCommand):
    help = (
        "Take one returned mail on standard input, as a mail server pipes it, and list the message at the desk as one "
        "that did not arrive. Never sends a mail. Exit codes are those of sysexits.h: 0 taken or dropped, 65 a broken "
        "report, 75 try again."
    )
    requires_system_checks: list[str] = []  # a failed check ends with 1, and the bounce would be lost

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--recipient", default="", help="whom the mail server got it for; without it, the mail's headers say so"
        )

    def handle(self, *, recipient: str, **options: object) -> None:
        try:
            outcome = take_bounce(read_mail(), recipient=recipient)
        except UnreadableReportError:
            log.warning("a bounce cannot be read")
            raise CommandError("The delivery report cannot be read.", returncode=os.EX_DATAERR) from None
        except (BusyError, DatabaseError) as error:
            log.warning("a bounce waits for the database: %s", error)
            raise CommandError("The database does not answer; try again.", returncode=os.EX_TEMPFAIL) from None
        log.info("mail to the bounce address: %s", outcome)


def read_mail() -> bytes:
    """The start of what comes on standard input. The rest is read and dropped, since a server may take it amiss."""
    raw = sys.stdin.buffer.read(MOST_BYTES)
    while sys.stdin.buffer.read(MOST_BYTES):
        pass
    return raw
