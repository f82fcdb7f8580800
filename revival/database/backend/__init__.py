"""Django's PostgreSQL backend, refusing at once while the database is known to hang (revival/database/watchdog.py)."""
