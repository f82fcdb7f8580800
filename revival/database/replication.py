"""A COMMIT that no standby has yet is not called done.

With synchronous standbys PostgreSQL lets a COMMIT wait until one of them has it. When that wait is cancelled (by an
operator, or by who moves the leader), the server says so in a warning and the COMMIT succeeds all the same: should the
leader die now, what was promised on the strength of it would be gone. The wait itself has no end but ours: after
DATABASE_ANSWER_SECONDS the web process gives the connection up (revival/database/watchdog.py), as with any answer that is missing.
"""

from __future__ import annotations

from typing import Any

import psycopg

WARNING = "01000"  # the SQLSTATE of a warning without one of its own; nothing else warns in a COMMIT


class NotReplicatedError(psycopg.OperationalError):
    """It is written on the leader, and perhaps nowhere else: it may last, and nobody may be told that it does."""


class SureConnection(psycopg.Connection[Any]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._warned = False
        self.add_notice_handler(self._heed)

    def _heed(self, said: psycopg.errors.Diagnostic) -> None:
        self._warned = self._warned or said.sqlstate == WARNING

    def commit(self) -> None:
        """Raises NotReplicatedError when the wait for a standby was cut short."""
        self._warned = False
        super().commit()
        if self._warned:
            raise NotReplicatedError("no standby has said that it has it, too")
