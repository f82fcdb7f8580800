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

M_ARENA_MAX = -8  # glibc malloc.h: threads share two heaps; with one each, freed memory is never given back
with suppress(AttributeError, OSError):  # a C library other than glibc
    ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "revival.server.worker.Worker"  # threads wait for the database; slow and idle clients wait at nginx
workers = int(os.environ.get("WEB_WORKERS", "2"))  # one a core; at least two: one serves while the other starts
threads = int(os.environ.get("WEB_THREADS", "8"))  # below DATABASE_POOL_SIZE, so that no thread waits for a connection
timeout = 60  # seconds without a heartbeat until a process is killed
graceful_timeout = 10  # for requests in progress: a statement ends after 4 s, a picture's processing after 5 s
keepalive = 5
max_requests = 20_000  # limits a memory leak; none is known
max_requests_jitter = 2_000  # so that not all processes restart at once
backlog = 512  # connections that wait while all processes are busy
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - gunicorn makes a random name
control_socket_disable = True  # its folder may be read-only
forwarder_headers = ""  # SCRIPT_NAME and PATH_INFO from headers would put wrong links into cached pages
forwarded_allow_ips = os.environ.get("TRUSTED_PROXIES", "127.0.0.1,::1")
proc_name = "revival"

logger_class = "revival.server.logs.GunicornLogger"  # no path, query, referrer, agent or address in any line
accesslog = "-"
errorlog = "-"
loglevel = "warning"


# ---- reload without a pause ----
#
# On SIGHUP gunicorn starts new processes and ends the old ones at once, although the new ones need seconds to load the
# site: no request is refused, but all wait. So an old process serves until the new ones are ready. Shared memory (the
# board) holds one byte for each process, by its number: 1 when it is ready. The head of the board is the number of the
# first process of the newest reload.

HEAD, PLACES, LONGEST_WAIT = 4, 4096, 30  # bytes, processes, seconds


def _is_ready(board, first: int) -> bool:
    return all(board[HEAD + number % PLACES] for number in range(first, first + workers))


def pre_fork(server, worker) -> None:
    from revival.server.worker import Places

    worker.board = server.board
    worker.places = Places(server.board, HEAD + PLACES, PLACES)
    server.board[HEAD + worker.age % PLACES] = 0


def post_worker_init(worker) -> None:
    """The site is loaded: mark this process as ready. Runs after gunicorn has set its own signal handlers."""
    # Shorter waits for requests: the garbage collector skips the objects loaded so far, and a thread keeps the GIL for
    # 1 ms, not for 5 ms.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)
    worker.board[HEAD + worker.age % PLACES] = 1
    end, waits = worker.handle_exit, threading.Event()

    def end_when_others_serve(number, frame) -> None:
        first = int.from_bytes(worker.board[:HEAD], "big")
        if worker.age >= first or _is_ready(worker.board, first):  # no reload, or the new processes are ready
            end(number, frame)
        elif not waits.is_set():  # gunicorn sends SIGTERM repeatedly
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
    """Folder in which the processes share rendered pages (revival/page_cache/middleware.py), new with each start and
    reload. If it cannot be made, each process keeps its own pages."""
    _drop_pages_folder()
    with suppress(OSError):
        os.environ["REVIVAL_PAGES_DIR"] = tempfile.mkdtemp(prefix="revival-pages-")


def _drop_pages_folder() -> None:
    if folder := os.environ.pop("REVIVAL_PAGES_DIR", None):
        shutil.rmtree(folder, ignore_errors=True)


def on_starting(server) -> None:
    server.board = mmap.mmap(-1, HEAD + 2 * PLACES)  # ready bytes, then each process's number of connections
    _make_pages_folder()


def on_reload(server) -> None:
    server.board[:HEAD] = (server.worker_age + 1).to_bytes(HEAD, "big")
    _make_pages_folder()


def child_exit(server, worker) -> None:
    worker.places.tell(worker.age, None)  # also when it was killed


def on_exit(server) -> None:
    _drop_pages_folder()
