"""What the rack tells its owner: DHCP state, leases and interfaces, each until it is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.application.service import MultiService
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.dhcp.feed import LeaseFeed
from maasha.dhcp.server import DhcpServer
from maasha.host.routine import Routine
from maasha.model.dhcp import DhcpReport
from maasha.model.network import Interface
from maasha.rpc.errors import NotOwner, RpcError, Unavailable
from maasha.rpc.remote import RemoteRegion

Owner = Callable[[], RemoteRegion | None]
"""The link to the worker that acts for this rack, None while there is none."""

LEASE_INTERVAL = 1.0
"""Seconds between tries; news is sent at once."""
STATE_INTERVAL = 5.0
INTERFACE_INTERVAL = 10.0


class Reports(MultiService):
    """Three routines that send what the owner has not acknowledged yet.

    All are level-triggered: an owner that is new, or that failed, gets the whole of it again.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        owner: Owner,
        dhcp: DhcpServer,
        feed: LeaseFeed,
        interfaces: Callable[[], Awaitable[tuple[Interface, ...]]],
    ) -> None:
        super().__init__()
        self._clock = clock
        self._owner = owner
        self._dhcp = dhcp
        self._feed = feed
        self._interfaces = interfaces
        self._told: DhcpReport | None = None
        self._shown: tuple[Interface, ...] | None = None
        self._paused_until = 0.0
        self._state = Routine(clock, STATE_INTERVAL, self._tell_state, "DHCP state")
        self._leases = Routine(clock, LEASE_INTERVAL, self._tell_leases, "leases")
        self._network = Routine(clock, INTERFACE_INTERVAL, self._tell_interfaces, "interfaces")
        for routine in (self._state, self._leases, self._network):
            routine.setServiceParent(self)

    def owned(self, *, restored: bool) -> None:
        """Begin anew with another owner; `restored`: one that may have lost what it had taken."""
        self._told = self._shown = None
        self._paused_until = 0.0
        if restored:
            self._feed.restart()
        self.changed()

    def changed(self) -> None:
        """Tell the owner at once that dhcpd's state changed."""
        self._state.wake()

    def leases_changed(self) -> None:
        """Tell the owner at once that there are news of leases."""
        self._leases.wake()

    async def _tell_state(self) -> None:
        report = self._dhcp.report
        owner = self._owner()
        if (
            owner is not None
            and report != self._told
            and await self._tell(owner.report_dhcp(report))
        ):
            self._told = report

    async def _tell_leases(self) -> None:
        while self._clock.seconds() >= self._paused_until:
            owner, batch = self._owner(), self._feed.pending()
            if owner is None or batch is None or not await self._tell(owner.report_leases(batch)):
                return
            self._feed.acknowledge(batch.cursor)

    async def _tell_interfaces(self) -> None:
        found = await self._interfaces()
        owner = self._owner()
        if (
            owner is not None
            and found != self._shown
            and await self._tell(owner.report_interfaces(found))
        ):
            self._shown = found

    async def _tell(self, call: Awaitable[object]) -> bool:
        """Give whether the region took it; where it has no database, wait as long as it says."""
        try:
            await call
        except Unavailable as error:
            self._paused_until = self._clock.seconds() + error.retry_after
        except NotOwner as error:
            self.log.debug("{error}", error=error)
            self._paused_until = self._clock.seconds() + 1.0
        except RpcError as error:
            self.log.info("a report did not arrive: {error}", error=error)
            self._paused_until = self._clock.seconds() + 1.0
        else:
            return True
        return False
