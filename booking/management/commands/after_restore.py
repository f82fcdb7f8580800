from typing import Any

from django.core.management.base import BaseCommand

from booking import actions


class Command(BaseCommand):
    help = (
        "Run once after the database was put back to an earlier moment, before a worker starts: what may have gone "
        "out since then is not sent again, and becomes a line for staff."
    )

    def handle(self, **options: Any) -> None:
        kept = actions.keep_back_what_may_have_gone_out()
        self.stdout.write(
            f"{kept.messages} messages that waited and {kept.reminders} reminders that fell due are kept back: "
            "they stand at the desk, since nobody knows whether they went out. Nothing is sent again."
        )
