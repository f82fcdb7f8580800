"""gunicorn's settings; the same for a trial copy, the tests and production (behind nginx)."""

import ctypes
import gc
import mmap
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress

os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_MS", "4000")

M_ARENA_MAX = -8  # of glibc's malloc.h: threads share two heaps, in place of one for each that is never given back
with suppress(AttributeError, OSError):  # another C library
    ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "revival.server.worker.Worker"  # threads, which wait for the database; idle visitors wait at nginx
workers = int(os.environ.get("WEB_WORKERS", "2"))  # one a core; two, so that one serves while the other starts
threads = int(os.environ.get("WEB_THREADS", "8"))  # below DATABASE_POOL_SIZE: no thread waits for a connection
timeout = 60  # seconds without a sign of life of a whole process, uploads and pictures included
graceful_timeout = 10  # for what is in hand: a statement ends after four, a picture after five
keepalive = 5
max_requests = 20_000  # a leak would not last long; none is known
max_requests_jitter = 2_000  # never both at once
backlog = 512  # who knocks while both are busy
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - gunicorn makes a name nobody knows
control_socket_disable = True  # its folder may be read-only
forwarder_headers = ""  # no header moves the site to another path: kept pages would be full of wrong links
forwarded_allow_ips = os.environ.get("TRUSTED_PROXIES", "127.0.0.1,::1")
proc_name = "revival"

logger_class = "revival.server.logs.GunicornLogger"  # no path, query, referrer, agent or address in any line
accesslog = "-"
errorlog = "-"
loglevel = "warning"


# ---- a reload that nobody notices ----
#
# On SIGHUP gunicorn starts new processes and ends the old ones in the same moment, although the new need seconds
# to load the site: nobody is refused, but all wait. So an old process that is told to end first looks whether a
# reload is going on, and serves until the new ones are ready. Who is ready is written on a board in shared memory,
# one byte for each process by its number; its head is the number of the first process of the newest reload.

HEAD, PLACES, LONGEST_WAIT = 4, 4096, 30  # bytes, processes, seconds


def _is_ready(board, first: int) -> bool:
    return all(board[HEAD + number % PLACES] for number in range(first, first + workers))


def pre_fork(server, worker) -> None:
    from revival.server.worker import Places

    worker.board = server.board
    worker.places = Places(server.board, HEAD + PLACES, PLACES)
    server.board[HEAD + worker.age % PLACES] = 0


def post_worker_init(worker) -> None:
    """The site is loaded. Runs after gunicorn has set its own handlers of signals."""
    # A reader must not wait for Python's own affairs: what was loaded is not searched for garbage again and again, and
    # a thread keeps Python to itself for a millisecond, not for five.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)
    worker.board[HEAD + worker.age % PLACES] = 1
    end, waits = worker.handle_exit, threading.Event()

    def end_when_others_serve(number, frame) -> None:
        first = int.from_bytes(worker.board[:HEAD], "big")
        if worker.age >= first or _is_ready(worker.board, first):  # no reload, or it is done
            end(number, frame)
        elif not waits.is_set():  # gunicorn says it again and again
            waits.set()
            threading.Thread(target=wait_for_others, args=(first,), daemon=True).start()

    def wait_for_others(first: int) -> None:
        until = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < until and not _is_ready(worker.board, first):
            time.sleep(0.1)
        worker.handle_exit(signal.SIGTERM, None)

    signal.signal(signal.SIGTERM, end_when_others_serve)
    signal.siginterrupt(signal.SIGTERM, False)


# ---- rendered pages, shared by the processes ----


def _make_pages_folder() -> None:
    """Where the processes share rendered pages (revival/page_cache/middleware.py); new with each start of the code. Without
    room for it each process keeps its own."""
    _drop_pages_folder()
    with suppress(OSError):
        os.environ["REVIVAL_PAGES_DIR"] = tempfile.mkdtemp(prefix="revival-pages-")


def _drop_pages_folder() -> None:
    if folder := os.environ.pop("REVIVAL_PAGES_DIR", None):
        shutil.rmtree(folder, ignore_errors=True)


def on_starting(server) -> None:
    server.board = mmap.mmap(-1, HEAD + 2 * PLACES)  # who is ready, then who has how many connections
    _make_pages_folder()


def on_reload(server) -> None:
    server.board[:HEAD] = (server.worker_age + 1).to_bytes(HEAD, "big")
    _make_pages_folder()


def child_exit(server, worker) -> None:
    worker.places.tell(worker.age, None)  # however it ended


def on_exit(server) -> None:
    _drop_pages_folder()
