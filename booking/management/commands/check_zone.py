import sys

from django.core.management.base import BaseCommand
from django.utils import timezone

from booking import actions
from booking.models import Clinic
from revival.base.django_types import Passed
from revival.base.words import clock, day_words, wall


class Command(BaseCommand):
    help = (
        "List visits to come whose hour on the clinic's clock is not the one that was agreed, as after an update of "
        "the rules of its time zone. Ends with 1 when there are some."
    )

    def handle(self, **options: Passed) -> None:
        changed = actions.check_zone()
        with timezone.override(Clinic.objects.current().zone):
            for visit in changed:
                agreed = visit.agreed_start
                words = f"{day_words(agreed.date())}, {wall(agreed.time())}"
                self.stdout.write(
                    f"{visit}: agreed for {words}; now {day_words(visit.starts_at)}, {clock(visit.starts_at)}."
                )
        if changed:
            sys.exit(1)
