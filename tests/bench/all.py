"""Everything that `make bench` measures, one after the other; 1 when one of them says that a promise is broken."""

from __future__ import annotations

import sys

from tests.bench import bookings, memory, one_slot, pages

if __name__ == "__main__":
    sys.exit(max(pages.main(), memory.main(), bookings.main(), one_slot.main()))
