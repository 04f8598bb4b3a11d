"""Keeps the machine as busy as is asked: `python -m tests.acceptance.burner SHARE`.

Several of them share the work; each takes more while the machine is less busy than SHARE (0 to 1),
and less while it is busier.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from attrs import frozen

PERIOD = 0.1
"""Seconds; of each it burns a part and sleeps the rest."""
EAGERNESS = 0.2
"""What of the missing share is added to the part, in each period."""
STAT = Path("/proc/stat")


@frozen
class Ticks:
    """What the machine's processors have done since boot, in clock ticks; proc(5)."""

    idle: int
    total: int

    @classmethod
    def now(cls) -> Ticks:
        """Look."""
        words = STAT.read_text().splitlines()[0].split()[1:9]  # guests are counted as users, too
        _, _, _, idle, waiting, *_ = ticks = [int(word) for word in words]
        return cls(idle + waiting, sum(ticks))

    def busy_since(self, before: Ticks) -> float:
        """Give the share of the time in which they were not idle."""
        total = self.total - before.total
        return 1 - (self.idle - before.idle) / total if total else 1.0


def main(share: float) -> None:
    """Burn until killed."""
    part, before = share, Ticks.now()
    while True:
        began = time.monotonic()
        while time.monotonic() < began + part * PERIOD:
            pass
        time.sleep((1 - part) * PERIOD)
        now = Ticks.now()
        missing = share - now.busy_since(before)
        part, before = min(1.0, max(0.0, part + EAGERNESS * missing)), now


if __name__ == "__main__":
    main(float(sys.argv[1]))
