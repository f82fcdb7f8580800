"""Nightly job that belongs to neither app: retention of sign-in data and logs."""

from procrastinate import JobContext
from procrastinate.contrib.django import app

from revival.staff import retention


@app.periodic(cron="10 9 * * *")  # at night in Minneapolis; the cron clock is UTC
@app.task(name="revival.tasks.forget_the_rest", queueing_lock="forget_the_rest", pass_context=True)
def forget_the_rest(context: JobContext, timestamp: int) -> None:
    retention.forget_old_sign_ins()
    retention.thin_logs()
