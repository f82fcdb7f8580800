"""Background tasks of the articles half: queue review reminders every hour, send one."""

from procrastinate import JobContext
from procrastinate.contrib.django import app

from articles import reminders
from revival.base.jobs import GrowingWaits


@app.periodic(cron="5 14-23 * * *")  # hourly by day in Minneapolis; the cron clock is UTC
@app.task(name="articles.tasks.remind_of_reviews", pass_context=True)
def remind_of_reviews(context: JobContext, timestamp: int) -> None:
    reminders.queue_reminders()


@app.task(name=reminders.SEND_TASK, retry=GrowingWaits())
def send_review_reminder(reminder_id: int) -> None:
    reminders.deliver(reminder_id=reminder_id)
