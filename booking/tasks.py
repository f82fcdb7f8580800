"""Background jobs, queued or periodic: each finds its rows and calls an action."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import ProcrastinateException

from booking import actions
from booking.models import REMINDERS, AffectedVisit, Appointment, Clinic, FreedTime, Kind, Offer, WaitlistEntry
from revival.base.jobs import GrowingWaits

T = TypeVar("T")


@app.task(name="booking.tasks.send_message", retry=GrowingWaits())
def send_message(message_id: int) -> None:
    actions.deliver_message(message_id=message_id)


@app.task(name="booking.tasks.send_lost_links", retry=GrowingWaits())
def send_lost_links(lost_link_id: int) -> None:
    actions.send_lost_links(lost_link_id=lost_link_id)


@app.task(name="booking.tasks.send_day_sheet", retry=GrowingWaits())
def send_day_sheet(day_sheet_id: int) -> None:
    actions.deliver_day_sheet(day_sheet_id=day_sheet_id)


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.write_day_sheets", pass_context=True)
def write_day_sheets(context: JobContext, timestamp: int) -> None:
    actions.write_day_sheets()


SILENT_SECONDS = 60  # longer than a mail server may take to answer (EMAIL_TIMEOUT)


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.take_up_stalled_jobs", queueing_lock="take_up_stalled_jobs", pass_context=True)
async def take_up_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Retry the jobs of workers that were killed: no other worker would take them."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
        with suppress(ProcrastinateException):  # its queueing lock is taken: the same job waits already
            await app.job_manager.retry_job(job)


@app.periodic(cron="40 8 * * *")
@app.task(name="booking.tasks.forget_past_visits", pass_context=True)
def forget_past_visits(context: JobContext, timestamp: int) -> None:
    actions.forget_past_visits()


@app.periodic(cron="20 8 * * *")  # 02:20 or 03:20 at night in Minneapolis; the cron clock is UTC
@app.task(name="booking.tasks.delete_dead_holds", pass_context=True)
def delete_dead_holds(context: JobContext, timestamp: int) -> None:
    actions.delete_dead_holds()


@app.periodic(cron="30 8 * * *")
@app.task(name="booking.tasks.check_zone", pass_context=True)
def check_zone(context: JobContext, timestamp: int) -> None:
    """The desk lists what is found (booking/desk/first_page.py); the log tells whoever watches the server."""
    actions.check_zone()


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.expire_requests", pass_context=True)
def expire_requests(context: JobContext, timestamp: int) -> None:
    each(Appointment.objects.unanswered(timezone.now()), lambda row: actions.expire_request(appointment=row))


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.remind", pass_context=True)
def remind(context: JobContext, timestamp: int) -> None:
    """Remind patients ahead of their visit, and staff half-way through the time for an answer."""
    for kind in REMINDERS:
        each(actions.visits_to_remind(kind), partial(_remind_patient, kind))
    waiting = Appointment.objects.staff_to_be_reminded(timezone.now())
    each(waiting, lambda row: actions.remind_staff(appointment=row))


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.offer_freed_times", pass_context=True)
def offer_freed_times(context: JobContext, timestamp: int) -> None:
    """End offers and waiting that are over, and offer freed times. Also queued at once when a time is given back."""
    now = timezone.now()
    today = now.astimezone(Clinic.objects.current().zone).date()
    each(Offer.objects.over(now), lambda row: actions.expire_offer(offer=row))
    each(WaitlistEntry.objects.over(today), lambda row: actions.end_waiting(entry=row))
    each(FreedTime.objects.to_offer(now), lambda row: actions.offer_freed_time(freed=row))


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.end_unanswered", pass_context=True)
def end_unanswered(context: JobContext, timestamp: int) -> None:
    """Put patients of a therapist who is out on the list to phone when they have not answered in time."""
    each(AffectedVisit.objects.to_phone(timezone.now()), lambda row: actions.expire_alternative(line=row))


def _remind_patient(kind: Kind, row: Appointment) -> None:
    actions.remind_patient(appointment=row, kind=kind)


def each(rows: Iterable[T], act: Callable[[T], object]) -> None:
    """Act on each row.

    A row that was changed meanwhile or is busy is left for the next run. A fault does not keep the other rows
    waiting: the first one is raised at the end.
    """
    faults: list[Exception] = []
    for row in rows:
        try:
            act(row)
        except (actions.StateChangedError, actions.BusyError):
            continue
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
