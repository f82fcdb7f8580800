"""Background jobs: the app that queues one in the caller's transaction, and the waits between tries."""

from __future__ import annotations

from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Job

# For deferring only: it always writes through Django's own connection, so in its transaction. Inside a worker
# the library's shared app writes through a pool of its own, which commits at once.
jobs = App(connector=DjangoConnector())

BEHIND_THE_CLOCK = -1
"""Priority of jobs that may wait for the periodic ones of each minute (expiry, reminders)."""


class GrowingWaits(BaseRetryStrategy):
    """Retry after 2, 4, 8 … seconds, then every ten minutes, for about two days."""

    longest = 600  # seconds
    most = 300  # tries
    priority = -2  # behind jobs that have not been tried yet

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= self.most:
            return None
        wait = min(2 ** min(job.attempts + 1, 10), self.longest)
        return RetryDecision(retry_in={"seconds": wait}, priority=self.priority)
