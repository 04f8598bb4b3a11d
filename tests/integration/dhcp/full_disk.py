"""A lease feed whose spool is on a small disk of its own; run by test_full_disk.py.

To be run as root in a mount namespace (unshare --mount), with an empty folder as its argument.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from maasha.dhcp.feed import POLL_INTERVAL, LeaseFeed
from tests.unit.dhcp.feeds import make_feed

COUNT = 5000
SMALL, LARGE = "256k", "16m"
LEASE = "lease 10.0.{}.{} {{\n  binding state active;\n  hardware ethernet 02:00:00:00:00:01;\n}}\n"


def mount(folder: Path, *options: str) -> None:
    """Mount a small disk, or give it another size."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "spool", folder], check=True)


class Process:
    """A feed on the folder."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.feed: LeaseFeed = make_feed(self.clock, folder, lambda: None)
        self.feed.start()
        self.look()

    def look(self) -> None:
        """Let it look at everything a few times."""
        for _ in range(40):
            self.clock.advance(POLL_INTERVAL)

    def take(self) -> int:
        """Take all that is offered; gives how many leases it was."""
        count = 0
        while (report := self.feed.pending()) is not None:
            count += len(report.leases)
            self.feed.acknowledge(report.cursor)
        return count

    def troubles(self) -> list[str]:
        """Give the words of all that is wrong."""
        return [trouble.detail for trouble in self.feed.troubles]

    def end(self) -> None:
        """Stop."""
        assert Deferred.fromCoroutine(self.feed.stop()).called


def main(folder: Path) -> None:
    """Fill the disk, give it room, and see what is left; prints that as JSON."""
    spool = folder / "spool"
    spool.mkdir()
    mount(spool, f"size={SMALL}")
    with (folder / "dhcpd.leases").open("w") as file:
        file.writelines(LEASE.format(number >> 8, number & 255) for number in range(COUNT))
    first = Process(folder)
    full, offered = first.troubles(), first.take()
    first.look()
    still = first.troubles()
    mount(spool, "remount", f"size={LARGE}")
    first.look()
    healed = first.troubles()
    with (folder / "dhcpd-1.log").open("w") as file:
        file.write("maasha-lease 10.9.9.9 1:2:0:0:0:0:1 600 -\n")
    first.look()
    first.end()
    (folder / "dhcpd.leases").write_text("")
    (folder / "dhcpd-1.log").unlink()
    second = Process(folder)
    left, troubles = second.take(), second.troubles()
    second.feed.restart()
    anew = second.take()
    second.end()
    found = {"full": full, "offered": offered, "still": still, "healed": healed}
    print(json.dumps({**found, "left": left, "troubles": troubles, "anew": anew}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
