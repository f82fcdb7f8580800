"""gunicorn's settings; the same for a trial copy, the tests and production (behind nginx)."""

import os
import shutil
import tempfile

os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_MS", "4000")

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 10
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
control_socket_disable = True  # its folder may be read-only
forwarded_allow_ips = os.environ.get("TRUSTED_PROXIES", "127.0.0.1,::1")
proc_name = "revival"

logger_class = "revival.logs.GunicornLogger"  # no path, query, referrer, agent or address in any line
accesslog = "-"
errorlog = "-"
loglevel = "warning"


def _make_pages_folder() -> None:
    """Where the processes share rendered pages (revival/page_cache.py); new with each start of the code."""
    _drop_pages_folder()
    os.environ["REVIVAL_PAGES_DIR"] = tempfile.mkdtemp(prefix="revival-pages-")


def _drop_pages_folder() -> None:
    if folder := os.environ.pop("REVIVAL_PAGES_DIR", None):
        shutil.rmtree(folder, ignore_errors=True)


def on_starting(server) -> None:
    _make_pages_folder()


def on_reload(server) -> None:
    _make_pages_folder()


def on_exit(server) -> None:
    _drop_pages_folder()
