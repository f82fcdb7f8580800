"""Django's PostgreSQL, whose requests do not wait for a database that is known to be silent (revival/database/watchdog.py)."""
