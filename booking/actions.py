"""The things people do: one durable transaction each, messages included.

The exclusion constraint guarantees that two visits never meet; the therapist's row lock decides
who comes first, so that the loser gets an answer instead of a deadlock.
"""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from booking import messages
from booking.availability import Span, answer_by, bounds_of_days, subtract
from booking.models import (
    Absence,
    Appointment,
    Clinic,
    Counted,
    DailyCount,
    Delivery,
    HeldFor,
    Kind,
    LostLink,
    Message,
    Override,
    Service,
    Shift,
    State,
    Therapist,
    free_times,
    working_time,
)

P = ParamSpec("P")
R = TypeVar("R")

MOST_FORGOTTEN_AT_ONCE = 1000
FORGOTTEN = "forgotten@invalid"
LOST_LINKS_A_DAY = 3

TRIES = 3  # of a whole action that PostgreSQL chose as the victim of a deadlock


# ---- refusals -------------------------------------------------------------------------------


class RefusalError(Exception):
    """An action did not happen; nothing was written and nothing sent."""


class SlotTakenError(RefusalError):
    """Someone else has the time (409)."""


class NotOfferedError(RefusalError):
    """The time is not one that can be booked: off the grid, too soon, too far, closed (409)."""


class SubmissionReusedError(RefusalError):
    """These details were sent before with other content (422)."""


class TooLateToChangeError(RefusalError):
    """The cut-off for cancelling or moving has passed; the patient has to phone (409)."""


class TooManyError(RefusalError):
    """More than we take online from one person or one network; every such refusal reads alike (429)."""


class StateChangedError(RefusalError):
    """The visit is no longer in a state in which this can be done (409)."""


class BusyError(RefusalError):
    """The database cannot answer now; the same thing will work in a moment (503)."""


class _TryAgainError(Exception):
    """Run the whole action once more."""


_BY_SQLSTATE: dict[str, type[Exception]] = {
    "23P01": SlotTakenError,  # exclusion constraint
    "40P01": _TryAgainError,  # deadlock victim
    "40001": _TryAgainError,  # serialisation failure
    "55P03": BusyError,  # lock not available within lock_timeout
    "57014": BusyError,  # statement time-out
    "25006": BusyError,  # read-only transaction: a standby, or a disk that filled up
}
_BY_CLASS: dict[str, type[Exception]] = {"08": BusyError, "53": BusyError, "57": BusyError}
_BY_CONSTRAINT: dict[str, type[Exception]] = {
    "booking_appointment_submission_key_key": SubmissionReusedError,
}


def refusal_for(error: DatabaseError | InterfaceError) -> type[Exception] | None:
    """What a database error means to the person who asked; None when it is a fault of ours."""
    cause = error.__cause__
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is None:  # no connection, or none free in the pool in time
        return BusyError if isinstance(error, (OperationalError, InterfaceError)) else None
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    return _BY_SQLSTATE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2]) or _BY_CONSTRAINT.get(constraint or "")


def action(do: Callable[P, R]) -> Callable[P, R]:
    """Run `do` as a durable transaction of its own and turn database errors into refusals.

    A deadlock victim runs again from the start, at most three times in all.
    """

    @wraps(do)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES):
            try:
                with transaction.atomic(durable=True):
                    _limit_the_wait_for_locks()
                    return do(*args, **kwargs)
            except _TryAgainError:
                continue
            except (DatabaseError, InterfaceError) as error:
                refusal = refusal_for(error)
                if refusal is None:
                    raise
                if refusal is not _TryAgainError:
                    raise refusal from error
        raise BusyError

    return run


def _limit_the_wait_for_locks() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(settings.BOOKING_LOCK_TIMEOUT_MS)])


def _lock(therapist_ids: Iterable[int], *, now: datetime) -> None:
    """Take the therapists' rows, lowest id first, then end the holds whose time is over."""
    ids = sorted(set(therapist_ids))
    rows = Therapist.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(rows.values_list("pk"))
    dead = Appointment.objects.dead_holds(now).filter(therapist__in=ids)
    dead.update(state=State.EXPIRED, ended_at=now)


def _locked(appointment: Appointment, *, now: datetime, and_therapists: Iterable[int] = ()) -> Appointment:
    """The row as it is now, with its therapist's lock (and those of `and_therapists`) held."""
    row = Appointment.objects.select_related("therapist", "service").filter(pk=appointment.pk)
    owner = row.values_list("therapist", flat=True).get()
    _lock([owner, *and_therapists], now=now)
    present = row.get()
    if present.therapist_id not in {owner, *and_therapists}:  # another tab moved it while we waited
        raise _TryAgainError
    return present


# ---- booking --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Details:
    """What the patient typed. Emptied strings mean "not given"."""

    name: str
    email: str
    phone: str
    is_new_patient: bool | None
    patient_name: str = ""
    note: str = ""
    consent_version: str = ""
    came_from: str = ""


def hold_length() -> timedelta:
    return timedelta(minutes=settings.BOOKING_HOLD_MINUTES)


ANYONE = None
"""As a therapist: whoever gives the service and is free."""


@action
def take_hold(
    *, therapist: Therapist | None, service: Service, starts_at: datetime, present: Appointment | None = None
) -> Appointment:
    """Keep a slot for ten minutes while the patient types.

    For ANYONE the choice among the free is fair: fewest visits that day, then by name; so the
    loser of a race gets the other therapist. `present` is the hold this browser already has; it
    is pointed at the new time, so that one browser never keeps two. Raises SlotTakenError or
    NotOfferedError.
    """
    now = timezone.now()
    candidates = [therapist] if therapist else list(Therapist.objects.giving(service))
    ids = [candidate.pk for candidate in candidates]
    if present is not None and present.is_hold:
        hold = _locked(present, now=now, and_therapists=ids)
    else:
        _lock(ids, now=now)
        hold = Appointment()
    if not hold.is_hold:  # it became a visit meanwhile
        hold = Appointment()
    if any(_keeps(hold, candidate, service, starts_at) for candidate in candidates):
        return hold
    _point(hold, candidates=candidates, service=service, starts_at=starts_at, now=now)
    hold.renew_link()
    hold.save()
    return hold


def _keeps(hold: Appointment, therapist: Therapist, service: Service, starts_at: datetime) -> bool:
    """Whether a live hold already is at this very place."""
    place = (hold.therapist_id, hold.service_id, hold.starts_at)
    return hold.state == State.HELD and place == (therapist.pk, service.pk, starts_at)


def _point(
    hold: Appointment, *, candidates: list[Therapist], service: Service, starts_at: datetime, now: datetime
) -> None:
    """Put a hold at a free time, for ten minutes from now (not saved)."""
    chosen = _free_one(candidates, service=service, starts_at=starts_at, now=now, besides=hold)
    hold.put_at(therapist=chosen, service=service, starts_at=starts_at)
    hold.state, hold.ended_at = State.HELD, None
    hold.held_until, hold.held_for = now + hold_length(), HeldFor.PATIENT


def _free_one(
    candidates: list[Therapist], *, service: Service, starts_at: datetime, now: datetime, besides: Appointment
) -> Therapist:
    """The candidate who is free then and has the fewest visits that day. Raises when nobody is."""
    zone = Clinic.objects.current().zone
    day = starts_at.astimezone(zone).date()
    offered = Therapist.objects.giving(service).filter(pk__in=[candidate.pk for candidate in candidates])
    if starts_at <= timezone.now() or not Service.objects.on_offer().filter(pk=service.pk).exists():
        raise NotOfferedError
    free = free_times(therapists=offered, service=service, first=day, last=day, now=now, zone=zone, besides=besides)
    able = [candidate for candidate in candidates if starts_at in free.get(candidate.pk, ())]
    others = Appointment.objects.occupying(now).filter(therapist__in=candidates).exclude(pk=besides.pk)
    if len(able) == 1:
        return able[0]
    if able:
        busy = Counter(others.touching(bounds_of_days(day, day, zone)).values_list("therapist", flat=True))
        return min(able, key=lambda candidate: (busy[candidate.pk], candidate.name))
    wanted = Span(starts_at, starts_at + service.length + service.turnaround)
    raise SlotTakenError if others.touching(wanted).exists() else NotOfferedError


@action
def book_appointment(
    *,
    hold: Appointment,
    therapist: Therapist,
    service: Service,
    starts_at: datetime,
    details: Details,
    submission_key: uuid.UUID,
) -> Appointment:
    """Make the held slot a visit, requested or confirmed as its service says.

    `therapist`, `service` and `starts_at` are what the patient saw: when the hold stands elsewhere by now
    (another tab) or ran out, it is put there first, if that time is free. Sending the same again
    gives the same visit and no second message. Raises SlotTakenError, NotOfferedError or
    SubmissionReusedError.
    """
    now = timezone.now()
    visit = _locked(hold, now=now, and_therapists=[therapist.pk])
    digest = _digest(details, therapist, service, starts_at)
    already = visit if not visit.is_hold else Appointment.objects.filter(submission_key=submission_key).first()
    if already is not None:
        if hmac.compare_digest(already.submission_digest, digest):
            return already
        raise SubmissionReusedError

    if _keeps(visit, therapist, service, starts_at):
        # Typing took time: notice and horizon count from when the hold was taken.
        since = (visit.held_until or now) - hold_length()
        _free_one([therapist], service=service, starts_at=starts_at, now=min(since, now), besides=visit)
    else:
        _point(visit, candidates=[therapist], service=service, starts_at=starts_at, now=now)

    _demand_few_visits(details, now)
    for field, value in asdict(details).items():
        setattr(visit, field, value)
    visit.submission_key, visit.submission_digest = submission_key, digest
    visit.held_until, visit.held_for = None, ""
    visit.requested_at = now
    if visit.service.needs_confirmation:
        visit.state = State.REQUESTED
        visit.answer_by = _answer_by(visit, now)
    else:
        visit.state, visit.confirmed_at = State.CONFIRMED, now
    visit.save()
    messages.queue_message(Kind(visit.state), visit)
    messages.queue_message(Kind.STAFF_NOTICE, visit)
    return visit


def _demand_few_visits(details: Details, now: datetime) -> None:
    """Exact also when one person sends several at once to several therapists: they queue on the name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [details.name.casefold()])
    theirs = Appointment.objects.coming(now).of_person(name=details.name, email=details.email, phone=details.phone)
    if theirs.count() >= settings.BOOKING_COMING_VISITS:
        raise TooManyError


def count_hold(*, network: str) -> None:
    """Count a new hold of this network. Raises TooManyError past the day's limit of open ones.

    Committed before the action it stands before, so that those who race are all counted.
    """
    _count(Counted.HOLD, network, settings.BOOKING_OPEN_HOLDS_A_DAY)


def count_booking(*, network: str) -> None:
    """Count a booking of this network; its hold is open no more. Raises TooManyError past the day's limit."""
    _count(Counted.BOOKING, network, settings.BOOKING_BOOKINGS_A_DAY)
    uncount_hold(network=network)


def uncount_hold(*, network: str) -> None:
    """A hold of this network is open no more, or was refused."""
    DailyCount.objects.add(kind=Counted.HOLD, network=network, day=timezone.now().date(), by=-1)


def uncount_booking(*, network: str) -> None:
    """A booking was refused: its hold is as open as before."""
    DailyCount.objects.add(kind=Counted.BOOKING, network=network, day=timezone.now().date(), by=-1)
    DailyCount.objects.add(kind=Counted.HOLD, network=network, day=timezone.now().date())


def _count(kind: Counted, network: str, limit: int) -> None:
    try:
        count = DailyCount.objects.add(kind=kind, network=network, day=timezone.now().date())
    except (DatabaseError, InterfaceError) as error:
        raise (refusal_for(error) or BusyError) from error
    if count > limit:
        raise TooManyError


def _answer_by(visit: Appointment, now: datetime) -> datetime:
    return answer_by(
        asked_at=now,
        starts_at=visit.starts_at,
        zone=Clinic.objects.current().zone,
        working_days=settings.BOOKING_ANSWER_WORKING_DAYS,
        before=timedelta(hours=settings.BOOKING_ANSWER_HOURS_BEFORE),
    )


def _digest(details: Details, therapist: Therapist, service: Service, starts_at: datetime) -> str:
    """A keyed digest of what was sent, to tell a repeat from something new; it reveals nothing at rest."""
    content = repr((sorted(asdict(details).items()), therapist.pk, service.pk, starts_at.timestamp()))
    return hmac.new(settings.LINK_KEY.encode(), content.encode(), hashlib.sha256).hexdigest()


# ---- answering and ending -------------------------------------------------------------------


class Actor(StrEnum):
    PATIENT = "patient"
    STAFF = "staff"


@action
def confirm_appointment(*, appointment: Appointment) -> Appointment:
    """Agree to a request and tell the patient. Raises StateChangedError."""
    now = timezone.now()
    visit = _locked(appointment, now=now)
    _demand_state(visit, State.REQUESTED)
    visit.confirmed_at = now
    return _change(visit, State.CONFIRMED, Kind.CONFIRMED)


@action
def decline_appointment(*, appointment: Appointment) -> Appointment:
    """Turn a request down, free its time and tell the patient. Raises StateChangedError."""
    now = timezone.now()
    visit = _locked(appointment, now=now)
    _demand_state(visit, State.REQUESTED)
    visit.ended_at = now
    return _change(visit, State.DECLINED, Kind.DECLINED)


@action
def cancel_appointment(*, appointment: Appointment, by: Actor) -> Appointment:
    """Free the time and tell the patient, and staff when the patient did it.

    Cancelling twice is one cancellation. Raises TooLateToChangeError for a patient inside the
    cut-off, StateChangedError when the visit has ended otherwise.
    """
    now = timezone.now()
    visit = _locked(appointment, now=now)
    if visit.state == State.CANCELLED:
        return visit
    _demand_state(visit, State.REQUESTED, State.CONFIRMED)
    if by == Actor.PATIENT and not visit.can_be_changed_online(now):
        raise TooLateToChangeError
    visit.ended_at = now
    visit = _change(visit, State.CANCELLED, Kind.CANCELLED)
    if by == Actor.PATIENT:
        messages.queue_message(Kind.STAFF_NOTICE, visit)
    return visit


@action
def move_appointment(*, appointment: Appointment, seen: datetime, starts_at: datetime, by: Actor) -> Appointment:
    """Put a coming visit at another free time, with the same therapist, in place; its own time counts as free.

    `seen` is the start the person saw before choosing: when another tab has moved the visit
    meanwhile, this one loses. A request stays a request. Raises StateChangedError,
    TooLateToChangeError for a patient inside the cut-off, SlotTakenError or NotOfferedError.
    """
    now = timezone.now()
    visit = _locked(appointment, now=now)
    _demand_state(visit, State.REQUESTED, State.CONFIRMED)
    if visit.starts_at == starts_at:
        return visit
    if visit.starts_at != seen:
        raise StateChangedError
    if by == Actor.PATIENT and not visit.can_be_changed_online(now):
        raise TooLateToChangeError
    _free_one([visit.therapist], service=visit.service, starts_at=starts_at, now=now, besides=visit)
    visit.put_at(therapist=visit.therapist, service=visit.service, starts_at=starts_at)
    if visit.state == State.REQUESTED:
        visit.answer_by = _answer_by(visit, now)
    visit = _change(visit, State(visit.state), Kind.MOVED)
    if by == Actor.PATIENT:
        messages.queue_message(Kind.STAFF_NOTICE, visit)
    return visit


@action
def expire_request(*, appointment: Appointment) -> Appointment:
    """End a request nobody answered in time, free its time and tell the patient, with our apology."""
    now = timezone.now()
    visit = _locked(appointment, now=now)
    if visit.state != State.REQUESTED or visit.answer_by is None or visit.answer_by > now:
        raise StateChangedError
    visit.ended_at = now
    visit = _change(visit, State.EXPIRED, Kind.EXPIRED)
    messages.queue_message(Kind.STAFF_NOTICE, visit)
    return visit


def _demand_state(visit: Appointment, *states: State) -> None:
    if visit.state not in states:
        raise StateChangedError


def _change(visit: Appointment, state: State, kind: Kind) -> Appointment:
    visit.state = state
    visit.calendar_sequence += 1
    visit.save()
    messages.queue_message(kind, visit)
    return visit


@action
def delete_dead_holds(*, older_than: timedelta = timedelta(days=1)) -> int:
    """Delete holds that ended without details: they never were a visit. Returns how many.

    Old counts of networks go with them: they are kept two days.
    """
    now = timezone.now()
    Appointment.objects.dead_holds(now - older_than).update(state=State.EXPIRED, ended_at=now)
    DailyCount.objects.filter(day__lt=now.date() - timedelta(days=1)).delete()
    # Locked before they are deleted: a late booking of such a hold comes first, or finds it gone.
    old = Appointment.objects.never_booked().filter(held_until__lt=now - older_than)
    ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True))
    count, _ = Appointment.objects.filter(pk__in=ids).delete()
    return count


@action
def forget_past_visits() -> int:
    """Keep no longer than we say: notes until the visit's end, the person for BOOKING_KEEP_DAYS after it.

    Returns how many visits were anonymised.
    """
    now = timezone.now()
    Appointment.objects.filter(ends_at__lte=now).exclude(note="").update(note="")
    old = Appointment.objects.filter(
        ends_at__lte=now - timedelta(days=settings.BOOKING_KEEP_DAYS), anonymised_at__isnull=True
    )
    rows = list(old.select_for_update()[:MOST_FORGOTTEN_AT_ONCE])
    for visit in rows:
        visit.forget_patient(now)
        visit.save()
    Message.objects.filter(appointment__in=rows).exclude(recipient="").exclude(kind=Kind.STAFF_NOTICE).update(
        recipient=FORGOTTEN
    )
    return len(rows)


# ---- hours ----------------------------------------------------------------------------------


@action
def save_absence(*, absence: Absence) -> list[Appointment]:
    """Write an absence under the therapists' locks. Returns the coming visits that fall into it."""
    now = timezone.now()
    owners = _owners(absence)
    _lock(owners, now=now)
    absence.save()
    return _coming(owners, now).touching(absence.span).in_order()


@action
def save_hours(*, row: Shift | Override) -> list[Appointment]:
    """Write weekly or one day's hours under the locks. Returns the coming visits that are now outside."""
    now = timezone.now()
    before = type(row)._default_manager.filter(pk=row.pk).values_list("therapist", flat=True)
    owners = {row.therapist_id, *before}
    _lock(owners, now=now)
    row.save()
    return _outside_hours(owners, now)


@action
def remove_hours(*, row: Shift | Override | Absence) -> list[Appointment]:
    """Delete hours or an absence under the locks. Returns the coming visits that are now outside."""
    now = timezone.now()
    owners = _owners(row)
    _lock(owners, now=now)
    row.delete()
    return _outside_hours(owners, now)


def _owners(row: Shift | Override | Absence) -> set[int]:
    if row.therapist_id is not None:
        return {row.therapist_id}
    return set(Therapist.objects.values_list("pk", flat=True))


def _coming(therapist_ids: Iterable[int], now: datetime) -> Any:
    return Appointment.objects.occupying(now).visits().filter(therapist__in=therapist_ids, starts_at__gt=now)


def _outside_hours(therapist_ids: Iterable[int], now: datetime) -> list[Appointment]:
    zone = Clinic.objects.current().zone
    visits = _coming(therapist_ids, now).in_order()
    if not visits:
        return []
    first, last = now.astimezone(zone).date(), visits[-1].ends_at.astimezone(zone).date()
    hours = working_time(therapist_ids, first=first, last=last, zone=zone)
    working = {pk: subtract(one.openings, one.away) for pk, one in hours.items()}
    return [visit for visit in visits if not any(span.contains(visit.span) for span in working[visit.therapist_id])]


# ---- lost links -----------------------------------------------------------------------------


@action
def ask_for_links(*, email: str) -> None:
    """Note that someone lost their link: the same row and job whether or not we know the address."""
    messages.queue_lost_link(LostLink.objects.create(email=email))


@action
def send_lost_links(*, lost_link_id: int) -> None:
    """Mail the links of the coming visits of that address, at most three times a day, and forget the request."""
    now = timezone.now()
    lost = LostLink.objects.select_for_update().filter(pk=lost_link_id).first()
    if lost is None:
        return
    coming = Appointment.objects.coming(now).filter(email__iexact=lost.email).in_order()
    for visit in coming:
        sent = Message.objects.filter(
            appointment=visit, kind=Kind.LOST_LINK, created_at__gt=now - timedelta(days=1)
        ).count()
        if sent < LOST_LINKS_A_DAY:
            messages.queue_message(Kind.LOST_LINK, visit)
    lost.delete()


# ---- messages -------------------------------------------------------------------------------


class NotDeliveredError(Exception):
    """The mail could not be handed over now; try again later."""


def deliver_message(*, message_id: int) -> None:
    """Send one message over the mail server and write down what became of it.

    At least once, always with the same Message-ID: the row is held while sending, so no two
    workers send it, and a worker killed between the server's 250 and our COMMIT is the only way
    to a double. Raises NotDeliveredError when it should be tried again.
    """
    with transaction.atomic(durable=True):
        row = Message.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=message_id)
        message = row.select_related("appointment__therapist", "appointment__service").first()
        if message is None:
            if Message.objects.filter(pk=message_id, delivery=Delivery.QUEUED).exists():
                raise NotDeliveredError  # another worker has it in hand
            return
        if message.delivery != Delivery.QUEUED:
            return
        done = _hand_over(message)
        message.save()
    if not done:
        raise NotDeliveredError


def _hand_over(message: Message) -> bool:
    """Try once; True when there is nothing left to try."""
    if _is_overtaken(message):
        message.delivery = Delivery.OVERTAKEN
        return True
    message.attempts += 1
    try:
        messages.compose(message).send()
    except smtplib.SMTPRecipientsRefused as error:
        code = min(code for code, _ in error.recipients.values())
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
    except smtplib.SMTPResponseException as error:  # sign-in or sender refused: ours to mend, so keep trying
        message.last_answer = f"SMTP {error.smtp_code}"
        return False
    except (OSError, smtplib.SMTPException) as error:
        message.last_answer = type(error).__name__
        return False
    except Exception as error:  # a mail that cannot even be written: staff must see it, not only the log
        message.last_answer = type(error).__name__
        return False
    else:
        message.delivery, message.sent_at, message.last_answer = Delivery.SENT, timezone.now(), ""
        return True
    message.last_answer = f"SMTP {code}"
    if 500 <= code < 600:  # permanent (RFC 5321, 4.2.1): staff have to phone
        message.delivery = Delivery.REFUSED
    return message.delivery == Delivery.REFUSED


def _is_overtaken(message: Message) -> bool:
    """Whether a later message to the patient about the same visit makes this one stale."""
    beside_the_chain = (Kind.STAFF_NOTICE, Kind.LOST_LINK)
    if message.kind in (*beside_the_chain, Kind.CANCELLED):
        return False
    later = Message.objects.filter(appointment=message.appointment_id, pk__gt=message.pk)
    return later.exclude(kind__in=beside_the_chain).exists()
