"""Every connection to a region's worker, from its first byte to its last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import frozen
from twisted.logger import Logger

from maasha.rack.link_report import JOINING, LinkReport
from maasha.rpc.protocol import Link
from maasha.rpc.pulse import Health
from maasha.rpc.tracing.words import cleaned

log = Logger()


@frozen(eq=False)
class Entry:
    """A connection; `worker` is the name that the worker is published under."""

    worker: str
    link: Link
    since: datetime

    def matches(self, name: str) -> bool:
        """Whether people may call it so: by worker, region, address with or without its port."""
        host = self.link.remote.rpartition(":")[0]
        names = self.worker, self.worker.partition(":")[0], self.link.remote, host, host.strip("[]")
        return name in names


def report(entry: Entry) -> LinkReport:
    """Look at a connection."""
    link = entry.link
    health: Health | None = link.health if link.trusted else None
    return LinkReport(
        entry.worker,
        link.remote,
        entry.since,
        health.value if health else JOINING,
        link.in_flight,
        link.round_trip.mean if link.round_trip else None,
        link.round_trip.deviation if link.round_trip else None,
    )


Met = Callable[[Entry], None]
Gone = Callable[[Entry, str], None]


class Roster:
    """Keeps the connections that there are; `now` gives the time for people, in UTC.

    `met` and `gone`, where set, hear of each that comes and goes. What fails there harms no link.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: dict[Entry, None] = {}
        self.met: Met | None = None
        self.gone: Gone | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The connections, the oldest first."""
        return tuple(self._entries)

    def meet(self, worker: str, link: Link) -> None:
        """Take in a connection that was just made: nothing was said on it yet."""
        entry = Entry(cleaned(worker), link, self._now())
        self._entries[entry] = None
        link.closed.addCallback(lambda reason: self._part(entry, reason))
        if self.met is not None:
            try:
                self.met(entry)
            except Exception:
                log.failure("nobody could be told of a new link")

    def _part(self, entry: Entry, reason: str) -> None:
        del self._entries[entry]
        if self.gone is not None:
            self.gone(entry, reason)
