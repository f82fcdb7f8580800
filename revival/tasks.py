"""What runs on a clock and belongs to neither app."""

from procrastinate import JobContext
from procrastinate.contrib.django import app

from revival import retention


@app.periodic(cron="50 8 * * *")  # at night in Minneapolis; the cron clock is UTC
@app.task(name="revival.tasks.forget_old_sign_ins", pass_context=True)
def forget_old_sign_ins(context: JobContext, timestamp: int) -> None:
    retention.forget_old_sign_ins()
