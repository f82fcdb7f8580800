"""Django's connection pool: parameters for connections outside it, and dropping it after an outage."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections


def connection_parameters() -> dict[str, Any]:  # Any: as psycopg's `connect` takes them
    """Where and as whom Django connects, for a `psycopg.connect` outside the pool; without the pool's own settings."""
    parameters = connection.get_connection_params()
    return {
        key: value
        for key, value in parameters.items()
        if key in {"dbname", "user", "password", "host", "port", "target_session_attrs"} or key.startswith("ssl")
    }


def drop_pool() -> None:
    """Close the pool, so that the next request begins a new one.

    After an outage the old one is full of dead connections and of attempts that wait ever longer:
    it went on refusing requests for 20 seconds with the database back.
    """
    wrapper: Any = connections[DEFAULT_DB_ALIAS]  # the stubs do not know the pools
    if pool := wrapper._connection_pools.pop(DEFAULT_DB_ALIAS, None):
        pool.close(timeout=0)  # not waiting for threads of it that hang, too
