"""The backend Django loads by the name of this package."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base

from revival.database.watchdog import pulse


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: Any) -> Any:
        pulse.refuse_if_silent()
        with pulse.somebody_waits():
            return super().get_new_connection(conn_params)
