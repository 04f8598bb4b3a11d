"""A `LeaseFeed` on a folder, whose other thread is this one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from twisted.internet.interfaces import IReactorTime

from maasha.dhcp.feed import LeaseFeed
from maasha.dhcp.following import LeasesFile, LogFiles
from maasha.dhcp.logs import Logs
from maasha.dhcp.spool import Spool


async def at_once(work: Callable[[int], None], value: int, /) -> None:
    """Do it here."""
    work(value)


def make_feed(
    clock: IReactorTime,
    folder: Path,
    notify: Callable[[], None],
    now: Callable[[], datetime] | None = None,
) -> LeaseFeed:
    """Give a feed on the files of `maasha.dhcp.folder`; its date is the clock's, unless given."""
    return LeaseFeed(
        clock,
        LeasesFile(folder / "dhcpd.leases"),
        LogFiles(Logs(folder)),
        Spool(folder / "spool"),
        at_once,
        notify,
        now or (lambda: datetime.fromtimestamp(clock.seconds(), UTC)),
    )
