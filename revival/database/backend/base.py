"""The module in which Django looks for `DatabaseWrapper`, given the name of this package as ENGINE."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base

from revival.database.watchdog import watchdog


class DatabaseWrapper(base.DatabaseWrapper):
    # Any: Django's signature; the rows are whatever the row factory makes of them.
    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        watchdog.refuse_if_silent()
        with watchdog.waiting():
            return super().get_new_connection(conn_params)
