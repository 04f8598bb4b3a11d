"""What the rack tells its owner: DHCP, leases, interfaces, what it saw; each until it is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from attrs import evolve
from twisted.application.service import MultiService
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.dhcp.feed import LeaseFeed
from maasha.dhcp.server import DhcpServer
from maasha.host.routine import Routine
from maasha.model.dhcp import DhcpReport
from maasha.model.lease import Trouble
from maasha.model.network import Interface
from maasha.rack.lookout.lookout import Lookout, Outlines
from maasha.rack.probing.probing import Outlines as Found
from maasha.rack.probing.probing import Probing
from maasha.rpc.errors import NotOwner, RpcError, Unavailable
from maasha.rpc.remote import RemoteRegion

Owner = Callable[[], RemoteRegion | None]
"""The link to the worker that acts for this rack, None while there is none."""

T = TypeVar("T")
UNTOLD = -1
"""What a region never answers."""

LEASE_INTERVAL = 1.0
"""Seconds between tries; news is sent at once."""
HEALTH_INTERVAL = 60.0
"""Seconds after which a region is told the rack's time, and of its troubles, where nothing is new.
A region takes a difference of the clocks for real at the second report that shows it."""
STATE_INTERVAL = 5.0
INTERFACE_INTERVAL = 10.0
SIGHTING_INTERVAL = 1.0
"""Likewise."""
SIGHTING_REST = 0.5
"""Seconds between two reports of sightings at least: each tells all of them, so changes gather."""
NOTHING = DhcpReport(serving=False)
"""What regions take for granted of DHCPv6 until they are told otherwise."""
RETOLD = 10.0
"""Seconds after which sightings are told again that say nothing new but their age."""

FINDING_REST = 2.0
"""Seconds between two reports of findings at least."""
FOUND_AGAIN = 60.0
"""Seconds after which findings are told again that say nothing new but their age."""


class Reports(MultiService):
    """Five routines that send what the owner has not acknowledged yet.

    All are level-triggered: an owner that is new, or that failed, gets the whole of it again.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        owner: Owner,
        dhcp: DhcpServer,
        feed: LeaseFeed,
        dhcp6: DhcpServer,
        interfaces: Callable[[], Awaitable[tuple[Interface, ...]]],
        lookout: Lookout,
        now: Callable[[], datetime],
        probing: Probing,
    ) -> None:
        super().__init__()
        self._now = now
        self._clock = clock
        self._owner = owner
        self._dhcp = dhcp
        self._feed = feed
        self._dhcp6 = dhcp6
        self._interfaces = interfaces
        self._lookout = lookout
        self._probing = probing
        self._told: DhcpReport | None = None
        self._told6 = NOTHING
        self._shown: tuple[Interface, ...] | None = None
        self._sighted: Outlines = {}
        self._retold_at = self._refound_at = 0.0
        self._healthy: tuple[Trouble, ...] = ()
        self._healthy_at = 0.0
        self._found: Found = {}
        self._paused_until = 0.0
        self._state = Routine(clock, STATE_INTERVAL, self._tell_state, "DHCP state")
        self._leases = Routine(clock, LEASE_INTERVAL, self._tell_leases, "leases")
        self._network = Routine(clock, INTERFACE_INTERVAL, self._tell_interfaces, "interfaces")
        self._sightings = Routine(
            clock, SIGHTING_INTERVAL, self._tell_sightings, "sightings", SIGHTING_REST
        )
        self._findings = Routine(
            clock, SIGHTING_INTERVAL, self._tell_findings, "findings", FINDING_REST
        )
        for routine in (
            self._state,
            self._leases,
            self._network,
            self._sightings,
            self._findings,
        ):
            routine.setServiceParent(self)

    def owned(self, *, restored: bool) -> None:
        """Begin anew with another owner; `restored`: one that may have lost what it had taken."""
        self._told = self._shown = None
        self._told6 = NOTHING
        self._healthy, self._healthy_at = (), self._clock.seconds()
        self._sighted, self._found = {}, {}
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

    def sighted(self) -> None:
        """Tell the owner soon that other racks came into sight, or went out of it."""
        self._sightings.wake()

    def found(self) -> None:
        """Tell the owner soon that servers were found on a VLAN, or have gone."""
        self._findings.wake()

    async def _tell_state(self) -> None:
        owner = self._owner()
        report = None if owner is None else self._dhcp.disclose()
        if (
            owner is not None
            and report is not None
            and report != self._told
            and await self._tell(owner.report_dhcp(report))
        ):
            self._told = report
        await self._tell_state6()

    async def _tell_state6(self) -> None:
        """Tell nothing while there is nothing to tell: a region that is older knows no DHCPv6."""
        report, owner = self._dhcp6.report, self._owner()
        if (
            owner is not None
            and report != self._told6
            and await self._tell(owner.report_dhcp6(report))
        ):
            self._told6 = report

    async def _tell_leases(self) -> None:
        """Tell what is new, and where nothing is, how the feed fares, from time to time."""
        while self._clock.seconds() >= self._paused_until:
            owner, batch, troubles = self._owner(), self._feed.pending(), self._feed.troubles
            if owner is None or (batch is None and not self._health_is_due(troubles)):
                return
            report = batch or self._feed.nothing()
            report = evolve(report, clock=self._now(), troubles=troubles)
            known = await self._ask(owner.report_leases(report), UNTOLD)
            if known == UNTOLD:
                return
            self._healthy, self._healthy_at = troubles, self._clock.seconds()
            self._feed.told(troubles)
            if known > report.cursor or known < report.acknowledged:
                self.log.warn("the region has other leases than this rack gave: all are told anew")
                self._feed.restart(known)
            elif batch is not None:
                self._feed.acknowledge(batch.cursor)

    def _health_is_due(self, troubles: tuple[Trouble, ...]) -> bool:
        since = self._clock.seconds() - self._healthy_at
        return troubles != self._healthy or since >= HEALTH_INTERVAL

    async def _tell_interfaces(self) -> None:
        found = await self._interfaces()
        owner = self._owner()
        if (
            owner is not None
            and found != self._shown
            and await self._tell(owner.report_interfaces(found))
        ):
            self._shown = found

    async def _tell_sightings(self) -> None:
        """Tell nothing while nothing is watched."""
        owner, outlines, now = self._owner(), self._lookout.outlines, self._clock.seconds()
        news = outlines != self._sighted or now >= self._retold_at
        if (
            owner is not None
            and outlines
            and news
            and now >= self._paused_until
            and await self._tell(owner.report_sightings(self._lookout.sightings))
        ):
            self._sighted, self._retold_at = outlines, now + RETOLD

    async def _tell_findings(self) -> None:
        """Tell nothing while nothing is probed."""
        owner, outlines, now = self._owner(), self._probing.outlines, self._clock.seconds()
        news = outlines != self._found or now >= self._refound_at
        if (
            owner is not None
            and outlines
            and news
            and now >= self._paused_until
            and await self._tell(owner.report_findings(self._probing.findings))
        ):
            self._found, self._refound_at = outlines, now + FOUND_AGAIN

    async def _tell(self, call: Awaitable[object]) -> bool:
        """Give whether the region took it."""
        return await self._ask(_done(call), failed=False)

    async def _ask(self, call: Awaitable[T], failed: T) -> T:
        """Give the answer; where a region has no database, wait as long as it says."""
        try:
            return await call
        except Unavailable as error:
            self._paused_until = self._clock.seconds() + error.retry_after
        except NotOwner as error:
            self.log.debug("{error}", error=error)
            self._paused_until = self._clock.seconds() + 1.0
        except RpcError as error:
            self.log.info("a report did not arrive: {error}", error=error)
            self._paused_until = self._clock.seconds() + 1.0
        return failed


async def _done(call: Awaitable[object]) -> bool:
    await call
    return True
