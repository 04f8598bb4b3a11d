"""When the machine did not run who has priority: `python -m tests.acceptance.stalls NAME JOURNAL`.

A virtual machine stands still now and then, and the kernel keeps a twentieth of each processor from
all with real-time priority (sched(7)). What is timed must not be charged for that.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from tests.acceptance.journal import Journal, Note, What

LOOK = 0.01
"""Seconds between two looks at the clock."""
SLIGHT = 0.01
"""Seconds that a look may be late."""
MILLI = 1000


def stalled(notes: Iterable[Note], begin: float, end: float) -> float:
    """Give for how many seconds between two moments a processor stood still."""
    spans = [(n.at - n.number / MILLI, n.at) for n in notes if n.what is What.STALLED]
    total, upto = 0.0, begin
    for first, last in sorted(spans):  # those of several processors may overlap
        total += max(0.0, min(last, end) - max(first, upto))
        upto = max(upto, last)
    return total


def main(name: str, path: str) -> None:
    """Look on until killed."""
    journal = Journal(path, name)
    while True:
        due = time.monotonic() + LOOK
        time.sleep(LOOK)
        late = time.monotonic() - due
        if late > SLIGHT:
            journal.note("", "", What.STALLED, round(late * MILLI))


if __name__ == "__main__":
    main(*sys.argv[1:])
