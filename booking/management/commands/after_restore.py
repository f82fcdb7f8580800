from django.core.management.base import BaseCommand

from booking import actions
from revival.base.django_types import Passed


class Command(BaseCommand):
    help = (
        "Run once after the database was restored to an earlier moment, before a worker starts: messages that may "
        "have gone out since then are not sent again, and are listed for staff."
    )

    def handle(self, **options: Passed) -> None:
        kept = actions.keep_back_messages()
        self.stdout.write(
            f"{kept.messages} messages that waited and {kept.reminders} reminders that fell due are kept back: "
            "the desk lists them, since nobody knows whether they went out. Nothing is sent again."
        )
