"""What runs later or on a clock: find the row, call an action."""

from contextlib import suppress

from django.utils import timezone
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from booking import actions
from booking.models import REMINDERS, Appointment, Clinic, FreedTime, Offer, WaitlistEntry


class GrowingWaits(BaseRetryStrategy):
    """2, 4, 8 … seconds, then every ten minutes, for about two days."""

    longest = 600  # seconds
    most = 300  # tries

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= self.most:
            return None
        return RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts + 1, 10), self.longest)})


@app.task(name="booking.tasks.send_message", retry=GrowingWaits())
def send_message(message_id: int) -> None:
    actions.deliver_message(message_id=message_id)


@app.task(name="booking.tasks.send_lost_links", retry=GrowingWaits())
def send_lost_links(lost_link_id: int) -> None:
    actions.send_lost_links(lost_link_id=lost_link_id)


SILENT_SECONDS = 60  # longer than a mail server may take to answer (EMAIL_TIMEOUT)


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.take_up_stalled_jobs", queueing_lock="take_up_stalled_jobs", pass_context=True)
async def take_up_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Give back the jobs of workers that were killed: nobody else would take them."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
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
    for appointment in Appointment.objects.unanswered(timezone.now()):
        with suppress(actions.StateChangedError):  # staff answered in this very moment
            actions.expire_request(appointment=appointment)


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.remind", pass_context=True)
def remind(context: JobContext, timestamp: int) -> None:
    """Patients ahead of their visit, staff half-way through the time for an answer."""
    for kind in REMINDERS:
        for appointment in actions.who_is_to_be_reminded(kind):
            with suppress(actions.StateChangedError):
                actions.remind_patient(appointment=appointment, kind=kind)
    for appointment in Appointment.objects.staff_to_be_reminded(timezone.now()):
        with suppress(actions.StateChangedError):
            actions.remind_staff(appointment=appointment)


@app.periodic(cron="* * * * *")
@app.task(name="booking.tasks.offer_freed_times", pass_context=True)
def offer_freed_times(context: JobContext, timestamp: int) -> None:
    """Also deferred when someone gives time back. What one look leaves, the next minute's takes up."""
    now = timezone.now()
    for offer in Offer.objects.over(now):
        with suppress(actions.StateChangedError):
            actions.expire_offer(offer=offer)
    for entry in WaitlistEntry.objects.over(now.astimezone(Clinic.objects.current().zone).date()):
        with suppress(actions.StateChangedError):
            actions.end_waiting(entry=entry)
    for freed in FreedTime.objects.to_offer(now):
        actions.offer_freed_time(freed=freed)
