"""What runs later or on a clock: find the row, call an action."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import ProcrastinateException

from booking import actions
from booking.models import REMINDERS, AffectedVisit, Appointment, Clinic, FreedTime, Kind, Offer, WaitlistEntry
from revival.base.jobs import GrowingWaits


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
    """Give back the jobs of workers that were killed: nobody else would take them."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
        with suppress(ProcrastinateException):  # one that may wait only once waits already
            await app.job_manager.retry_job(job)


@app.periodic(cron="40 8 * * *")
@app.task(name="booking.tasks.forget_past_visits", pass_context=True)
def forget_past_visits(context: JobContext, timestamp: int) -> None:
    actions.forget_past_visits()


@app.periodic(cron="20 8 * * *")  # 02:20 or 03:20 at night in Minneapolis; the cron clock is UTC
@app.task(name="booking.tasks.delete_dead_holds", pass_context=True)
def delete_dead_holds(context: JobContext, timestamp: int) -> None:
    actions.delete_dead_holds()


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.expire_requests", pass_context=True)
def expire_requests(context: JobContext, timestamp: int) -> None:
    each(Appointment.objects.unanswered(timezone.now()), lambda row: actions.expire_request(appointment=row))


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.remind", pass_context=True)
def remind(context: JobContext, timestamp: int) -> None:
    """Patients ahead of their visit, staff half-way through the time for an answer."""
    for kind in REMINDERS:
        each(actions.visits_to_remind(kind), partial(_remind_patient, kind))
    waiting = Appointment.objects.staff_to_be_reminded(timezone.now())
    each(waiting, lambda row: actions.remind_staff(appointment=row))


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.offer_freed_times", pass_context=True)
def offer_freed_times(context: JobContext, timestamp: int) -> None:
    """Also deferred when someone gives time back. What one look leaves, the next minute's takes up."""
    now = timezone.now()
    today = now.astimezone(Clinic.objects.current().zone).date()
    each(Offer.objects.over(now), lambda row: actions.expire_offer(offer=row))
    each(WaitlistEntry.objects.over(today), lambda row: actions.end_waiting(entry=row))
    each(FreedTime.objects.to_offer(now), lambda row: actions.offer_freed_time(freed=row))


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.end_unanswered", pass_context=True)
def end_unanswered(context: JobContext, timestamp: int) -> None:
    """Patients of a therapist who is out, and have not answered in time, are to be phoned."""
    each(AffectedVisit.objects.to_phone(timezone.now()), lambda row: actions.expire_alternative(line=row))


def _remind_patient(kind: Kind, row: Appointment) -> None:
    actions.remind_patient(appointment=row, kind=kind)


def each(rows: Iterable[Any], act: Callable[[Any], object]) -> None:
    """Act on each row. One that was changed meanwhile or is busy waits for the next look; a fault of
    one keeps nobody else waiting, and is raised at the end."""
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
