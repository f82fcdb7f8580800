"""What the templates of a message can name; `KINDS` chooses the function for each kind."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile
from typing import cast

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext

from booking.models import (
    TO_STAFF,
    AffectedVisit,
    Appointment,
    Clinic,
    ContactRequest,
    DaySheet,
    EmailChange,
    Kind,
    Message,
    Offer,
    OutageContact,
    State,
    Therapist,
    WaitlistEntry,
    before_you_come,
    rules_of_the_list,
)
from booking.models.messages import TOLD
from revival.base.bidi import isolate
from revival.base.django_types import Context
from revival.base.words import clock, day_words

from .other_times import OtherTime, free_other_times

TherapistsVisits = list[tuple[Therapist, list[Appointment]]]


def common_context(message: Message, clinic: Clinic) -> Context:
    """The clinic, and in words the times that the message stored. All contexts need the clinic's zone to be active."""
    context: Context = {
        "clinic": clinic,
        "phone": clinic.phone,
        "phone_url": clinic.phone_link,
        "zone": clinic.zone_name,
    }
    if message.starts_at is not None and message.ends_at is not None:
        day, start, end = _times(message.starts_at, message.ends_at)
        context |= {"day": day, "start": start, "end": end}
    return context


def visit_context(message: Message, clinic: Clinic) -> Context:
    appointment = cast(Appointment, message.appointment)
    return {
        "service": appointment.service.name,
        "therapist": appointment.therapist.name,
        "before": before_you_come(clinic, [appointment.service], is_booked=True),
        "is_request": appointment.state == State.REQUESTED,
        "answer_by": _in_words(appointment.answer_by) if appointment.answer_by else "",
        "cut_off_hours": settings.BOOKING_CHANGE_CUT_OFF_HOURS,
        "change_until": _change_until(message.starts_at or appointment.starts_at),
        "visit_url": settings.SITE_URL + appointment.get_absolute_url(),
        "book_url": settings.SITE_URL + reverse("booking:choose"),
        "desk_url": _desk_url(appointment),
    }


def email_change_context(message: Message, clinic: Clinic) -> Context:
    """The visit, and the link that confirms its new e-mail address. Who reads the old mailbox may not know the new."""
    change = EmailChange.objects.filter(visit=message.appointment).first()
    confirm_url = settings.SITE_URL + change.get_absolute_url() if change else ""
    return {**visit_context(message, clinic), "confirm_url": confirm_url}


def _change_until(starts_at: datetime) -> str:
    """Until when the private link still moves or cancels; empty when that has passed, as for a visit of today."""
    until = starts_at - timedelta(hours=settings.BOOKING_CHANGE_CUT_OFF_HOURS)
    return _in_words(until) if timezone.now() < until else ""


def new_place_context(message: Message, clinic: Clinic) -> Context:
    """Context of a message about a visit that moved, or whose therapist changed."""
    former = _former_therapist(message, cast(Appointment, message.appointment))
    return {**visit_context(message, clinic), "former_therapist": former.name if former else ""}


def _former_therapist(message: Message, visit: Appointment) -> Therapist | None:
    """The therapist whom the patient still expects, if it is another one now. Unsent messages do not count."""
    written = Message.objects.filter(appointment=visit).exclude(kind__in=TO_STAFF).select_related("former_therapist")
    earlier = written.filter(pk__lt=message.pk) if message.pk else written
    untold = takewhile(lambda other: other.delivery not in TOLD, earlier.order_by("-pk"))
    known = [other.former_therapist for other in (message, *untold) if other.former_therapist]
    return known[-1] if known and known[-1] != visit.therapist else None


def refused_visit_context(message: Message, clinic: Clinic) -> Context:
    """A request that was not confirmed, with other times to choose from."""
    suggested = [OtherTime.from_json(row) for row in message.suggested]
    others = free_other_times(cast(Appointment, message.appointment), clinic, suggested)
    in_words = [(_in_words(start), therapist.short_name, address) for start, therapist, address in others]
    return {**visit_context(message, clinic), "others": in_words}


def coming_visits_context(message: Message, clinic: Clinic) -> Context:
    """The visits of the message that are still to come, as they are now."""
    is_saved = message.pk is not None
    visits = message.visits.coming(timezone.now()).in_order() if is_saved else []
    return {**visit_context(message, clinic), **_together(visits)}


def cancelled_visits_context(message: Message, clinic: Clinic) -> Context:
    visits = message.visits.in_order() if message.pk is not None else []
    return {**visit_context(message, clinic), **_together(visits)}


def _together(visits: list[Appointment]) -> Context:
    """Day, start, end, therapist and private link of each visit, the first day, and all their therapists in words.

    The therapist is empty where all visits are with the same.
    """
    if not visits:
        return {"together": [], "first_day": ""}
    names = list(dict.fromkeys(visit.therapist.name for visit in visits))
    rows = [
        (
            *_times(visit.starts_at, visit.ends_at),
            visit.therapist.name if len(names) > 1 else "",
            settings.SITE_URL + visit.get_absolute_url(),
        )
        for visit in visits
    ]
    therapists = get_text_list([isolate(name) for name in names], gettext("and"))
    return {"together": rows, "first_day": rows[0][0], "therapist": therapists}


def staff_notice_context(message: Message, clinic: Clinic) -> Context:
    """A contact request; or a visit, with what the patient was told just before as `news`."""
    if message.contact_request is not None:
        return _contact_request_context(message.contact_request)
    context = visit_context(message, clinic)
    to_patient = Message.objects.filter(appointment=message.appointment, pk__lt=message.pk).exclude(kind__in=TO_STAFF)
    latest = to_patient.order_by("pk").last()
    is_new_request = latest is not None and latest.kind == Kind.REQUESTED
    what_happened = latest.get_kind_display() if latest else "A visit has changed"
    context |= {"is_new_request": is_new_request, "news": "Please answer" if is_new_request else what_happened}
    context["former_therapist"] = latest.former_therapist.name if latest and latest.former_therapist else ""
    return context


def _contact_request_context(contact_request: ContactRequest) -> Context:
    wants_call = contact_request.reach_by == ContactRequest.ReachBy.PHONE
    return {
        "task": "call a patient back" if wants_call else "write to a patient",
        "short_task": "call back" if wants_call else "write back",
        "therapist": contact_request.therapist.name if contact_request.therapist else "",
        "desk_url": _desk_url(contact_request),
    }


def entry_context(message: Message, clinic: Clinic) -> Context:
    return _waitlist_context(cast(WaitlistEntry, message.entry))


def offer_context(message: Message, clinic: Clinic) -> Context:
    offer = cast(Offer, message.offer)
    times = {"until_day": day_words(offer.until), "until_time": clock(offer.until)}
    return {**_waitlist_context(offer.entry), "therapist": offer.therapist.name, **times}


def _waitlist_context(entry: WaitlistEntry) -> Context:
    return {
        "entry": entry,
        "first_day": day_words(entry.first_day),
        "last_day": day_words(entry.last_day),
        "service": entry.service.name,
        "therapist": entry.therapist.name if entry.therapist else "",
        "entry_url": settings.SITE_URL + entry.get_absolute_url(),
        "leave_url": settings.SITE_URL + reverse("booking:leave", args=[entry.token]),
        **rules_of_the_list(),
    }


def outage_context(message: Message, clinic: Clinic) -> Context:
    """The patient's visits as they are when the message leaves, without those that were settled meanwhile."""
    contact, now = cast(OutageContact, message.outage_contact), timezone.now()
    affected_visits = contact.visits.open().filter(visit__starts_at__gt=now).in_order()
    return {
        "therapist": contact.outage.therapist.name,
        "short_name": contact.outage.therapist.short_name,
        "affected_visits": [_affected_visit(affected, now) for affected in affected_visits],
        "standing_visits": [_standing_visit(affected.visit) for affected in contact.still_valid(now)],
        "answer_url": settings.SITE_URL + contact.get_absolute_url(),
    }


def _affected_visit(affected: AffectedVisit, now: datetime) -> Context:
    """A visit that cannot take place, and the other time that is held for the patient."""
    context: Context = {
        "original_day": day_words(affected.original_start),
        "original_start": clock(affected.original_start),
        "service": affected.visit.service.name,
        "is_request": affected.visit.state == State.REQUESTED,
        "is_held": affected.is_held(now),
    }
    if affected.therapist and affected.starts_at and affected.ends_at and affected.until:
        day, start, end = _times(affected.starts_at, affected.ends_at)
        context |= {"day": day, "start": start, "end": end}
        context |= {"therapist": affected.therapist.name, "until": _in_words(affected.until)}
    return context


def _standing_visit(visit: Appointment) -> Context:
    day, start, end = _times(visit.starts_at, visit.ends_at)
    return {
        "day": day,
        "start": start,
        "end": end,
        "service": visit.service.name,
        "therapist": visit.therapist.name,
        "is_request": visit.state == State.REQUESTED,
    }


def day_sheet_context(sheet: DaySheet, clinic: Clinic, lists: TherapistsVisits, now: datetime) -> Context:
    """Each therapist's visits as start, end, first name, phone, and whether it is still a request."""
    address = settings.SITE_URL + reverse("admin:day_sheet") + f"?day={sheet.day.isoformat()}"
    rows = [(therapist.name, [_day_sheet_row(visit) for visit in visits]) for therapist, visits in lists]
    return {
        "clinic": clinic,
        "phone": clinic.phone,
        "day": day_words(sheet.day),
        "as_of": _in_words(now),
        "lists": rows,
        "desk_url": address,
    }


def _day_sheet_row(visit: Appointment) -> tuple[str, str, str, str, bool]:
    start, end = clock(visit.starts_at), clock(visit.ends_at)
    return start, end, visit.first_name, visit.phone, visit.state == State.REQUESTED


def _desk_url(row: Appointment | ContactRequest) -> str:
    return settings.SITE_URL + reverse(f"admin:booking_{row._meta.model_name}_change", args=[row.pk])


def _times(starts_at: datetime, ends_at: datetime) -> tuple[str, str, str]:
    """Day, start and end in words."""
    return day_words(starts_at), clock(starts_at), clock(ends_at)


def _in_words(moment: datetime) -> str:
    return f"{day_words(moment)}, {clock(moment)}"
