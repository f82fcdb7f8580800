"""What runs on a clock for the whole site."""

from procrastinate import JobContext
from procrastinate.contrib.django import app

from revival.retention import forget_the_rest


@app.periodic(cron="10 9 * * *")  # at night in Minneapolis; the cron clock is UTC
@app.task(name="revival.tasks.forget_the_rest", queueing_lock="forget_the_rest", pass_context=True)
def forget(context: JobContext, timestamp: int) -> None:
    forget_the_rest()
