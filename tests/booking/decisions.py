"""Every decision about a row that a page offers: how it is opened, what may change meanwhile, and how it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.test import Client

from booking import actions
from booking.models import (
    AffectedVisit,
    Appointment,
    Delivery,
    EmailChange,
    Message,
    Offer,
    Outage,
    Service,
    State,
    Therapist,
)
from booking.models.people import Person
from revival.base.clock import Span
from tests.factories import (
    CHICAGO,
    a_series,
    an_appointment,
    an_offer,
    asks,
    day_in,
    in_days,
    joins,
    outage_of,
    version_of,
)
from tests.guest import hidden_fields

DESK, OUT, SERIES = "/admin/booking/", "/admin/calendar/out/", "/admin/calendar/series/"
NOON = in_days(1, 12)


@dataclass
class Rows:
    """What a decision needs: two therapists who give one service, and a colleague with an account."""

    therapist: Therapist
    other: Therapist
    service: Service
    colleague: Any

    def visit(self, starts_at: datetime, state: State = State.CONFIRMED) -> Appointment:
        return an_appointment(self.therapist, self.service, starts_at, state)


@dataclass(frozen=True)
class Decision:
    """One decision. `action` is the one that the page calls.

    `row` makes what is decided about, `page` is the address that offers it, `meanwhile` the other party's step.
    `typed` is added to what the page hid in its form. `is_offered_anew` says whether it is still possible afterwards;
    `at` is when all this happens, where that is not now.
    """

    action: Callable[..., Any]
    row: Callable[[Rows], Any]
    page: Callable[[Any], str]
    meanwhile: Callable[[Any, Rows], object]
    name: str = ""
    typed: Callable[[Any, str], dict[str, Any]] = lambda row, page: {}
    opened: Callable[[Client, str, Any], str] = lambda client, address, row: client.get(address).text
    sent_to: Callable[[str], str] = lambda address: address
    is_staff: bool = True
    is_offered_anew: bool = True
    at: datetime | None = None

    def __str__(self) -> str:
        return self.name or self.action.__name__

    def open(self, client: Client, row: Any) -> dict[str, Any]:
        """The fields that a browser sends from the page as it is now."""
        page = self.opened(client, self.page(row), row)
        return self.fields(row, page)

    def fields(self, row: Any, page: str) -> dict[str, Any]:
        return hidden_fields(page) | self.typed(row, page)

    def send(self, client: Client, row: Any, fields: dict[str, Any]) -> Any:
        return client.post(self.sent_to(self.page(row)), fields)


# ---- what the other party does meanwhile ----


def patient_moves(visit: Appointment, rows: Rows) -> None:
    move(visit, actions.Actor.PATIENT)


def staff_move(visit: Appointment, rows: Rows) -> None:
    move(visit, actions.Actor.STAFF)


def move(visit: Appointment, by: actions.Actor, to: datetime | None = None) -> None:
    actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=to or in_days(7, 10), by=by)


def moved_to_the_other(visit: Appointment, rows: Rows) -> None:
    """At the same time."""
    place = {"starts_at": visit.starts_at, "therapist": rows.other}
    actions.move_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.STAFF, **place)


def moved_later_today(visit: Appointment, rows: Rows) -> None:
    move(visit, actions.Actor.STAFF, in_days(0, 14))


def patient_moves_the_last(visits: list[Appointment], rows: Rows) -> None:
    patient_moves(visits[-1], rows)


def came_late(visit: Appointment, rows: Rows) -> None:
    actions.take_back(appointment=visit, seen=version_of(visit))
    actions.mark_no_show(appointment=visit, seen=version_of(visit))


def patient_takes_the_held_time(line: AffectedVisit, rows: Rows) -> None:
    assert line.therapist is not None
    assert line.starts_at is not None
    actions.take_other_time(
        line=line,
        seen=version_of(line),
        therapist=line.therapist,
        starts_at=line.starts_at,
        by=actions.Actor.PATIENT,
    )


def staff_keep(line: AffectedVisit, rows: Rows) -> None:
    actions.keep_affected(line=line, seen=version_of(line), who=rows.colleague)


def colleague_corrects(row: Any, rows: Rows) -> None:
    seen, details = Person.of(row).version, replace(Person.of(row), phone="612-555-0199")
    actions.correct_person(person=row, details=details, seen=seen)


def patient_asks_for_another(change: EmailChange, rows: Rows) -> None:
    asks_for_new_email(change.visit, "another@example.com")


def asks_for_new_email(visit: Appointment, email: str = "new@example.com") -> EmailChange:
    return actions.ask_for_new_email(appointment=visit, seen=version_of(visit), email=email)


def sent_elsewhere(message: Message, rows: Rows) -> None:
    actions.resend_message(message=message, seen=version_of(message), email="other@example.com")


# ---- rows ----


def a_request(rows: Rows) -> Appointment:
    return rows.visit(in_days(5), State.REQUESTED)


def a_visit(rows: Rows) -> Appointment:
    return rows.visit(in_days(5))


def an_affected_visit(rows: Rows) -> AffectedVisit:
    visit = a_visit(rows)
    outage = outage_of(rows.therapist, Span(in_days(5, 0), in_days(6, 0)))
    line: AffectedVisit = outage.visits.in_order().get(visit=visit)
    return line


def an_outage(rows: Rows) -> Outage:
    return an_affected_visit(rows).outage


def an_offer_to_move(rows: Rows) -> Offer:
    return an_offer(joins(rows.service, visit=a_visit(rows)), rows.therapist, in_days(3))


def an_undelivered_message(rows: Rows) -> Message:
    visit = a_request(rows)
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))
    Message.objects.update(delivery=Delivery.REFUSED)
    return Message.objects.get()


def page_of(verb: str, model: str = "appointment") -> Callable[[Any], str]:
    return lambda row: f"{DESK}{model}/{row.pk}/{verb}/"


def settled(agreed: str) -> Callable[[AffectedVisit, str], dict[str, Any]]:
    return lambda line, page: {"agreed": agreed, "therapist": "peter-stanley", "starts_at": ""}


def settle_page(line: AffectedVisit) -> str:
    return f"{OUT}{line.outage_id}/{line.pk}/"


def held_time(line: AffectedVisit, page: str) -> dict[str, Any]:
    return settled(f"{line.therapist.slug} {line.starts_at.isoformat()}")(line, page)  # type: ignore[union-attr]


def asked_to_move(client: Client, address: str, visit: Appointment) -> str:
    return str(client.post(address, {"start": in_days(8, 11).isoformat()}).text)


def asked_to_cancel(client: Client, address: str, line: AffectedVisit) -> str:
    return str(client.post(address, {"line": line.pk, "do": "cancel"}).text)


def next_step_of_today(client: Client, address: str, visit: Appointment) -> str:
    return next(form for form in client.get("/admin/").text.split("<form")[1:] if address in form)


def plan_of(visit: Appointment, page: str) -> dict[str, Any]:
    best = re.search(rf'name="time-{visit.pk}"[^>]*>\s*<option value="([^"]*)"', page)
    answer_by = in_days(1, 12).astimezone(CHICAGO)
    return {f"time-{visit.pk}": best[1] if best else "", "answer_by": f"{answer_by:%Y-%m-%dT%H:%M}", "reason": ""}


def accept_or_decline(verb: str) -> dict[str, Any]:
    return {
        "page": lambda offer: offer.entry.get_absolute_url(),
        "sent_to": lambda address: f"{address}{verb}/",
        "is_staff": False,
    }


STAFF_DECIDE = [
    Decision(actions.confirm_appointment, a_request, page_of("confirm"), patient_moves),
    Decision(actions.decline_appointment, a_request, page_of("decline"), patient_moves),
    Decision(
        actions.mark_arrived, lambda rows: rows.visit(in_days(0, 13)), page_of("arrived"), moved_later_today, at=NOON
    ),
    Decision(
        actions.mark_arrived,
        lambda rows: rows.visit(in_days(0, 13)),
        page_of("arrived"),
        moved_later_today,
        name="arrived, in one press from Today",
        opened=next_step_of_today,
        at=NOON,
    ),
    Decision(
        actions.mark_completed,
        lambda rows: rows.visit(in_days(0, 11), State.ARRIVED),
        page_of("complete"),
        lambda visit, rows: actions.take_back(appointment=visit, seen=version_of(visit)),
        is_offered_anew=False,
        at=NOON,
    ),
    Decision(
        actions.mark_no_show,
        lambda rows: rows.visit(in_days(0, 11)),
        page_of("no-show"),
        lambda visit, rows: actions.mark_arrived(appointment=visit, seen=version_of(visit)),
        is_offered_anew=False,
        at=NOON,
    ),
    Decision(
        actions.take_back,
        lambda rows: rows.visit(in_days(0, 11), State.ARRIVED),
        page_of("take-back"),
        came_late,
        at=NOON,
    ),
    Decision(
        actions.move_appointment,
        a_visit,
        page_of("move"),
        patient_moves,
        name="move_appointment by staff",
        typed=lambda visit, page: {"starts_at": f"{day_in(8)}T11:00"},
    ),
    Decision(
        actions.move_appointment,
        a_visit,
        page_of("move"),
        moved_to_the_other,
        name="move_appointment to another therapist by staff",
        typed=lambda visit, page: {"therapist": visit.therapist.slug, "starts_at": f"{day_in(8)}T11:00"},
    ),
    Decision(actions.cancel_appointment, a_visit, page_of("cancel"), patient_moves, name="cancel_appointment by staff"),
    Decision(
        actions.cancel_rest,
        lambda rows: a_series(rows.therapist, rows.service, in_days(3), in_days(4), in_days(6)),
        lambda visits: f"{SERIES}{visits[0].pk}/cancel-rest/",
        patient_moves_the_last,
    ),
    *(
        Decision(
            action,
            an_affected_visit,
            settle_page,
            patient_takes_the_held_time,
            name=f"{action.__name__} by staff",
            typed=typed,
            is_offered_anew=False,
        )
        for action, typed in (
            (actions.cancel_affected, settled("cancel")),
            (actions.keep_affected, settled("keep")),
            (actions.note_reached, settled("reached")),
        )
    ),
    Decision(
        actions.take_other_time,
        an_affected_visit,
        settle_page,
        staff_keep,
        name="take_other_time by staff",
        typed=held_time,
        is_offered_anew=False,
    ),
    Decision(
        actions.start_outage,
        a_visit,
        lambda visit: f"{OUT}new/?therapist=peter-stanley&when=dates&first_day={day_in(5)}&first=other",
        lambda visit, rows: move(visit, actions.Actor.PATIENT, in_days(5, 11)),
        typed=plan_of,
        sent_to=lambda address: address.partition("?")[0],
    ),
    Decision(
        actions.end_outage,
        an_outage,
        lambda outage: f"{OUT}{outage.pk}/end/",
        lambda outage, rows: actions.end_outage(
            outage=outage, seen=version_of(outage), ends_at=in_days(5, 12), by=rows.colleague
        ),
        typed=lambda outage, page: {"ends_at": ""},
    ),
    Decision(
        actions.take_off_waitlist,
        lambda rows: an_offer_to_move(rows).entry,
        page_of("remove", "waitlistentry"),
        lambda entry, rows: actions.accept_offer(offer=entry.offers.get(), seen=version_of(entry.offers.get())),
        is_offered_anew=False,
    ),
    Decision(
        actions.take_up_contact,
        lambda rows: asks(),
        page_of("take-up", "contactrequest"),
        lambda asked, rows: actions.finish_contact(contact_request=asked, seen=version_of(asked), by=rows.colleague),
        is_offered_anew=False,
    ),
    Decision(
        actions.finish_contact,
        lambda rows: asks(),
        page_of("done", "contactrequest"),
        lambda asked, rows: actions.take_up_contact(contact_request=asked, seen=version_of(asked), by=rows.colleague),
    ),
    Decision(
        actions.resend_message,
        an_undelivered_message,
        page_of("resend", "message"),
        lambda message, rows: patient_moves(message.appointment, rows),
        typed=lambda message, page: {"email": "ada@example.org"},
    ),
    *(
        Decision(
            actions.correct_person,
            row,
            lambda row: f"/admin/patients/correct/{row._meta.model_name}/{row.pk}/",
            colleague_corrects,
            name=f"correct_person in {name}",
            typed=lambda row, page: {"name": "Ada Right", "email": "right@example.com", "phone": "612-555-0142"},
        )
        for name, row in (
            ("a visit", a_visit),
            ("an entry", lambda rows: joins(rows.service)),
            ("a contact request", lambda rows: asks()),
        )
    ),
    *(
        Decision(
            action,
            lambda rows: asks_for_new_email(a_visit(rows)),
            lambda change: f"/admin/patients/new-email/{change.pk}/",
            patient_asks_for_another,
            typed=lambda change, page, do=do: {"do": do},
        )
        for action, do in ((actions.confirm_new_email, "use"), (actions.drop_new_email, "drop"))
    ),
    Decision(actions.mark_as_phoned, an_undelivered_message, page_of("phoned", "message"), sent_elsewhere),
]

PATIENTS_DECIDE = [
    Decision(
        actions.change_phone_or_note,
        a_visit,
        lambda visit: f"{visit.get_absolute_url()}details/",
        staff_move,
        typed=lambda visit, page: {"phone": "612-555-0199", "note": ""},
        is_staff=False,
    ),
    Decision(
        actions.ask_for_new_email,
        a_visit,
        lambda visit: f"{visit.get_absolute_url()}email/",
        staff_move,
        typed=lambda visit, page: {"email": "new@example.com"},
        is_staff=False,
    ),
    Decision(
        actions.cancel_appointment,
        a_visit,
        lambda visit: f"{visit.get_absolute_url()}cancel/",
        staff_move,
        name="cancel_appointment by the patient",
        typed=lambda visit, page: {"reason": "I am better"},
        is_staff=False,
    ),
    Decision(
        actions.move_appointment,
        a_visit,
        lambda visit: f"{visit.get_absolute_url()}move/",
        staff_move,
        name="move_appointment by the patient",
        opened=asked_to_move,
        is_staff=False,
    ),
    Decision(
        actions.take_other_time,
        an_affected_visit,
        lambda line: line.contact.get_absolute_url(),
        staff_keep,
        name="take_other_time by the patient",
        typed=lambda line, page: {"do": "take"},
        is_staff=False,
        is_offered_anew=False,
    ),
    Decision(
        actions.cancel_affected,
        an_affected_visit,
        lambda line: line.contact.get_absolute_url(),
        staff_keep,
        name="cancel_affected by the patient",
        typed=lambda line, page: {"do": "surely-cancel"},
        opened=asked_to_cancel,
        is_staff=False,
        is_offered_anew=False,
    ),
    Decision(
        actions.accept_offer,
        an_offer_to_move,
        meanwhile=lambda offer, rows: staff_move(offer.entry.visit, rows),
        **accept_or_decline("accept"),
    ),
    Decision(
        actions.decline_offer,
        an_offer_to_move,
        meanwhile=lambda offer, rows: staff_move(offer.entry.visit, rows),
        **accept_or_decline("decline"),
    ),
    Decision(
        actions.accept_offer,
        lambda rows: an_offer(joins(rows.service), rows.therapist, in_days(3)),
        meanwhile=lambda offer, rows: actions.decline_offer(offer=offer, seen=version_of(offer)),
        name="accept_offer without a visit",
        is_offered_anew=False,
        **accept_or_decline("accept"),
    ),
]

DECISIONS = [*STAFF_DECIDE, *PATIENTS_DECIDE]
