import json

from django.core.serializers.json import DjangoJSONEncoder

from booking import actions
from booking.management.people import PersonCommand
from booking.models import Lookup
from revival.base.django_types import Passed


class Command(PersonCommand):
    help = "Write everything kept of one person to standard output, as JSON. Asks for their address."

    def act(self, lookup: Lookup, chosen: actions.Chosen, reason: str, options: dict[str, Passed]) -> None:
        kept = actions.export_people(lookup=lookup, chosen=chosen, by=None, reason=reason)
        self.stdout.write(json.dumps(kept, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
