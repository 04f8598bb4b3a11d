"""Tells the owner how many addresses of each VLAN this rack's dhcpd can still hand out."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.dhcp.feed import LeaseFeed
from maasha.dhcp.server import DhcpServer
from maasha.host.routine import Routine
from maasha.model.pools import PoolCount
from maasha.rpc.errors import RpcError
from maasha.rpc.remote import RemoteRegion

INTERVAL = 2.0
"""Seconds between two counts: counting is free, and what did not change is not told."""
REST = 30.0
"""Seconds after a report that did not arrive: the region may be one that takes none."""


class PoolReports(Routine):
    """Level-triggered: an owner that is new, or that failed, is told all of it again.

    Leases and states of peers are told by others, and never wait for this.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        owner: Callable[[], RemoteRegion | None],
        dhcp: DhcpServer,
        feed: LeaseFeed,
    ) -> None:
        super().__init__(clock, INTERVAL, self._tell, "pools")
        self._owner = owner
        self._dhcp = dhcp
        self._feed = feed
        self._told: tuple[RemoteRegion, tuple[PoolCount, ...]] | None = None
        self._resting_until = 0.0

    async def _tell(self) -> None:
        owner = self._owner()
        if owner is None or self._clock.seconds() < self._resting_until or self._feed.behind:
            return
        counts = self._feed.counts(self._dhcp.pools)
        if self._told is not None and self._told == (owner, counts):
            return
        try:
            await owner.report_pools(counts)
        except RpcError as error:
            self.log.debug("pools were not told: {error}", error=error)
            self._resting_until = self._clock.seconds() + REST
        else:
            self._told = owner, counts
