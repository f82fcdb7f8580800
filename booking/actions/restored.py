"""After the database was restored to an earlier moment: messages that may have gone out since are not sent again."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from booking.mail import queue
from booking.models import REMINDERS, TO_STAFF, Appointment, Delivery, FreedTime, Kind, LostLink, Message

from .refusals import action
from .reminders import visits_to_remind

WHY = "Kept back: the site was restored"


@dataclass(frozen=True)
class KeptBack:
    messages: int
    reminders: int


@action
def keep_back_messages() -> KeptBack:
    """Keep back every message that may have reached someone between the backup and now.

    The copy does not know what was sent after it was taken. So each message that waits in it, and each reminder that
    fell due since, becomes a line for staff, who see at the desk that it was kept back, and phone or send it again.
    Freed times to offer and requests for lost links are deleted: the time is free on the site, and the link can be
    asked for again. Messages that fall due from now on are sent as usual. Runs before a worker does, as the owner of
    the tables.
    """
    now = timezone.now()
    waiting = Message.objects.filter(delivery=Delivery.QUEUED)
    count = waiting.exclude(kind__in=TO_STAFF).count()
    waiting.update(delivery=Delivery.PLEASE_PHONE, last_answer=WHY)
    reminders = [_as_line(kind, visit) for kind in REMINDERS for visit in visits_to_remind(kind)]
    Appointment.objects.filter(remind_staff_at__lte=now).update(remind_staff_at=None)
    FreedTime.objects.all().delete()
    LostLink.objects.all().delete()
    queue.drop_all_jobs()
    return KeptBack(count, len(reminders))


def _as_line(kind: Kind, visit: Appointment) -> Message:
    return Message.objects.create(
        kind=kind,
        appointment=visit,
        delivery=Delivery.PLEASE_PHONE,
        recipient=visit.email,
        last_answer=WHY,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        sequence=visit.calendar_sequence,
    )
