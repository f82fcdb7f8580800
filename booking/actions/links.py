"""Lost private links, mailed again."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from booking.mail import queue
from booking.models import Appointment, Kind, LostLink, Message
from booking.people.addresses import address_key

from .refusals import action

LOST_LINKS_A_DAY = 3


@action
def ask_for_links(*, email: str) -> None:
    """Note that someone lost their link: the same row and job whether or not the address is known."""
    queue.queue_lost_link(LostLink.objects.create(email=email))


@action
def send_lost_links(*, lost_link_id: int) -> None:
    """Mail the links of the coming visits of that address, at most three times a day, and forget the request."""
    now = timezone.now()
    lost = LostLink.objects.select_for_update().filter(pk=lost_link_id).first()
    if lost is None:
        return
    # Locked, so that none is mailed to an address that a colleague is just correcting.
    theirs = Appointment.objects.coming(now).filter(email_key=address_key(lost.email))
    coming = theirs.select_for_update(of=("self",), no_key=True).in_order()
    alone = [[visit] for visit in coming if visit.series_id is None]
    together: dict[int, list[Appointment]] = {}
    for visit in coming:
        if visit.series_id is not None:
            together.setdefault(visit.series_id, []).append(visit)
    for visits in [*alone, *together.values()]:  # a series in one mail
        sent = Message.objects.filter(
            Q(appointment__in=visits) | Q(visits__in=visits),
            kind=Kind.LOST_LINK,
            created_at__gt=now - timedelta(days=1),
        )
        if sent.distinct().count() < LOST_LINKS_A_DAY:
            queue.queue_message(Kind.LOST_LINK, visits[0], together=visits[1:] and visits, is_proved=False)
    lost.delete()
