"""Background jobs: queue one in the caller's transaction, and how long to wait between tries."""

from __future__ import annotations

from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Job

# For deferring only: it always writes through Django's own connection, so in its transaction. The
# library's shared app does not in a worker: there it has a pool of its own, which commits at once.
jobs = App(connector=DjangoConnector())

BEHIND_PERIODIC_JOBS = -1
"""Priority of jobs that run after the periodic ones of each minute (expiry, reminders), whose priority is 0."""


class GrowingWaits(BaseRetryStrategy):
    """Retry after 2, 4, 8 … seconds, then every ten minutes, for about two days."""

    longest = 600  # seconds
    most = 300  # tries
    priority = -2  # after jobs that have not been tried yet

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= self.most:
            return None
        wait = min(2 ** min(job.attempts + 1, 10), self.longest)
        return RetryDecision(retry_in={"seconds": wait}, priority=self.priority)
