"""Python loads this by itself when the folder is in PYTHONPATH: the clock of the process, and of those it forks,
follows the number of seconds in the file JUMPING_CLOCK names. time.monotonic and sleeping stay as they are."""

import os
import threading
import time
from contextlib import suppress

import time_machine


def follow(path: str) -> None:
    present, travel = 0.0, None
    while True:
        wanted = present
        with suppress(OSError, ValueError), open(path) as file:
            wanted = float(file.read())
        if wanted != present:
            if travel:
                travel.stop()
                travel = None
            if wanted:
                travel = time_machine.travel(time.time() + wanted, tick=True)
                travel.start()
            present = wanted
        time.sleep(0.1)


def start() -> None:
    threading.Thread(target=follow, args=(os.environ["JUMPING_CLOCK"],), daemon=True).start()


if "JUMPING_CLOCK" in os.environ:
    start()
    os.register_at_fork(after_in_child=start)
