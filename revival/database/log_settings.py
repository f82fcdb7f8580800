"""PostgreSQL settings that keep patients' data out of the server's log.

A failing statement, its DETAIL line and its parameters hold names. The embedded server is started
with these, deploy/postgres.sql gives them to the role, and `check --deploy` reads them back.
"""

LOG_SETTINGS = {
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
