"""Connection whose COMMIT fails when no synchronous standby has confirmed it.

With synchronous standbys PostgreSQL lets a COMMIT wait until one of them has it. When that wait is cancelled (by an
operator, or by the tool that moves the leader), the server only sends a warning and the COMMIT succeeds: if the leader
dies now, an answer that relied on this COMMIT was wrong. PostgreSQL puts no limit on the wait. Ours is
DATABASE_ANSWER_SECONDS: after it the web process closes the connection, as with any missing answer
(revival/database/watchdog.py).
"""

from __future__ import annotations

from typing import Any

import psycopg

from revival.base.django_types import Passed

WARNING = "01000"  # the SQLSTATE of a warning without one of its own; nothing else warns in a COMMIT


class NotReplicatedError(psycopg.OperationalError):
    """The COMMIT is on the leader and perhaps on no standby: it may be lost, so it must not be confirmed."""


class SyncReplicationConnection(psycopg.Connection[Any]):  # Any: the rows are whatever the row factory makes of them
    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self._has_warning = False
        self.add_notice_handler(self._note_warning)

    def _note_warning(self, notice: psycopg.errors.Diagnostic) -> None:
        self._has_warning = self._has_warning or notice.sqlstate == WARNING

    def commit(self) -> None:
        """Raises NotReplicatedError when the wait for a standby was cut short."""
        self._has_warning = False
        super().commit()
        if self._has_warning:
            raise NotReplicatedError("no standby has confirmed this commit")
