"""The web process: health probes, middleware around every response, logs, static files, gunicorn's worker.

No page and no rule of booking or articles lives here.
"""
