"""gunicorn settings, the same for trial copy, tests and production (there behind nginx)."""

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

M_ARENA_MAX = -8  # from glibc's malloc.h: threads share two heaps, as heaps of their own are never given back
with suppress(AttributeError, OSError):  # a C library other than glibc
    ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "revival.server.worker.Worker"  # threads: requests wait for the database; nginx holds idle connections
workers = int(os.environ.get("WEB_WORKERS", "2"))  # one per core; two, so that one serves while the other starts
threads = int(os.environ.get("WEB_THREADS", "8"))  # below DATABASE_POOL_SIZE: no thread waits for a connection
timeout = 60  # seconds without a heartbeat of a whole process, also during uploads and picture processing
graceful_timeout = 10  # seconds for requests in progress: a statement ends after four, a picture after five
keepalive = 5
max_requests = 20_000  # limits a memory leak; none is known
max_requests_jitter = 2_000  # so that processes do not restart together
backlog = 512  # connections that wait while all processes are busy
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - gunicorn picks a random name
control_socket_disable = True  # its folder may be read-only
forwarder_headers = ""  # no header may set a path prefix: cached pages would hold wrong links
forwarded_allow_ips = os.environ.get("TRUSTED_PROXIES", "127.0.0.1,::1")
proc_name = "revival"

logger_class = "revival.server.logs.GunicornLogger"  # no path, query, referrer, agent or address in any line
accesslog = "-"
errorlog = "-"
loglevel = "warning"


# ---- reload without waiting: old workers serve until the new ones are ready ----
#
# On SIGHUP gunicorn starts new processes and ends the old ones at the same moment, although the new ones need
# seconds to load the site: no request is refused, but all wait. So an old process that receives SIGTERM first checks
# whether a reload is going on, and if so serves until the new ones are ready. Shared memory (the board) holds one
# byte for each process, set when it is ready; its first bytes hold the number of the newest reload's first process.
#
# The alternative weighed on 2026-11-24 was to load the site once in gunicorn's master (preload_app); a reload then
# brings no new code. `make drill ARGS=deploy` shows that a reload loses no request.

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
    # Keeps requests short: the garbage collector skips what is loaded already, and a thread that computes gives way
    # to others after one millisecond instead of five.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)
    worker.board[HEAD + worker.age % PLACES] = 1
    end, waits = worker.handle_exit, threading.Event()

    def end_when_others_serve(number, frame) -> None:
        first = int.from_bytes(worker.board[:HEAD], "big")
        if worker.age >= first or _is_ready(worker.board, first):  # no reload, or the new processes are ready
            end(number, frame)
        elif not waits.is_set():  # gunicorn repeats the signal
            waits.set()
            threading.Thread(target=wait_for_others, args=(first,), daemon=True).start()

    def wait_for_others(first: int) -> None:
        until = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < until and not _is_ready(worker.board, first):
            time.sleep(0.1)
        worker.handle_exit(signal.SIGTERM, None)

    signal.signal(signal.SIGTERM, end_when_others_serve)
    signal.siginterrupt(signal.SIGTERM, False)


# ---- rendered pages that the processes share ----


def _make_pages_folder() -> None:
    """Make the folder in which processes share rendered pages (revival/page_cache/store.py), new with each start of the
    code. On a full disk there is none, and each process keeps its own pages."""
    _drop_pages_folder()
    with suppress(OSError):
        os.environ["REVIVAL_PAGES_DIR"] = tempfile.mkdtemp(prefix="revival-pages-")


def _drop_pages_folder() -> None:
    if folder := os.environ.pop("REVIVAL_PAGES_DIR", None):
        shutil.rmtree(folder, ignore_errors=True)


def on_starting(server) -> None:
    server.board = mmap.mmap(-1, HEAD + 2 * PLACES)  # readiness of each process, then its connections
    _make_pages_folder()


def on_reload(server) -> None:
    server.board[:HEAD] = (server.worker_age + 1).to_bytes(HEAD, "big")
    _make_pages_folder()


def child_exit(server, worker) -> None:
    worker.places.tell(worker.age, None)  # also when it was killed


def on_exit(server) -> None:
    _drop_pages_folder()
