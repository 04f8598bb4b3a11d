"""One VLAN that is probed: when it is asked what, and what is known of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from ipaddress import IPv4Address
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.host.ether import BROADCAST, Frame
from maasha.host.routine import Routine
from maasha.model.probe import Finding, Probe
from maasha.rack.probing.discover import ETHERTYPE, Client, discover, offer
from maasha.rack.probing.instruments import Instruments
from maasha.rack.probing.knowledge import Knowledge, Outline, Server

TICK = 1.0
"""Seconds between looks whether it is time to ask."""
ASKED = 2
"""DISCOVERs of one probe: a frame may always get lost."""
MOST = 16
"""Servers that are heard of one probe: whoever makes up more of them fills no memory."""


class Spot(Routine):
    """Probes one VLAN; `changed` hears when something became known, or no longer holds.

    A probe that cannot be made, since the interface is down, says nothing about servers.
    """

    log = Logger()

    def __init__(self, probe: Probe, tools: Instruments, changed: Callable[[], None]) -> None:
        name = f"probes of VLAN {probe.vlan}"
        super().__init__(tools.clock, TICK, self._look, name, first=(1.0 - tools.chance()) * TICK)
        self.probe = probe
        self._tools = tools
        self._changed = changed
        self._known = Knowledge()
        self._outline = Outline()
        self._problem = ""
        self._probe_at = self._ask_at = tools.clock.seconds()

    @property
    def outline(self) -> Outline:
        """What is known, without its instants."""
        return self._outline

    @property
    def finding(self) -> Finding:
        """What is known."""
        return self._known.finding(self.probe.vlan, self._tools.clock.seconds())

    def adopt(self, probe: Probe) -> bool:
        """Go on with other name servers, keeping what is known of those that stay.

        False: the two differ in more than that, and nothing was done.
        """
        if evolve(probe, resolvers=()) != evolve(self.probe, resolvers=()):
            return False
        if set(probe.resolvers) - set(self.probe.resolvers):
            self._ask_at = self._tools.clock.seconds()
        self.probe = probe
        self._known = self._known.only(probe.resolvers)
        self._outline = self._known.outline
        return True

    async def _look(self) -> None:
        """Ask what it is time for; it ends when all is answered, or will not be."""
        now, pace = self._tools.clock.seconds(), self._tools.pace
        work: list[Coroutine[Any, Any, None]] = []
        if now >= self._probe_at:
            work.append(self._seek_servers())
        if now >= self._ask_at and self.probe.address is not None:
            self._ask_at = self._later(pace.resolvers)
            work.extend(self._ask(self.probe.address, each) for each in self.probe.resolvers)
        for _, failure in await DeferredList(
            [Deferred.fromCoroutine(each) for each in work], consumeErrors=True
        ):
            if isinstance(failure, Failure) and not failure.check(CancelledError):
                self.log.failure("a probe of VLAN {vlan} failed", failure, vlan=self.probe.vlan)

    def _later(self, seconds: float) -> float:
        tools = self._tools
        return tools.clock.seconds() + seconds * (1.0 - tools.pace.spread * tools.chance())

    async def _seek_servers(self) -> None:
        """Make a probe for DHCP servers; the next comes soon where there may be one."""
        try:
            offers = await self._offers()
        except OSError as error:
            self._met(f"no DHCP servers are looked for on {self.probe.interface}: {error}")
        else:
            self._met("")
            self._learn(self._known.probed(offers, self._tools.clock.seconds()))
        pace = self._tools.pace
        self._probe_at = self._later(pace.steady if self._known.quiet else pace.eager)

    async def _offers(self) -> set[Server]:
        """Ask, and give who answered; raises OSError where the interface is down or gone."""
        tools = self._tools
        client = Client(bytes.fromhex(self.probe.client.replace(":", "")), tools.number())
        found: set[Server] = set()
        lost: list[OSError] = []

        def heard(frame: Frame) -> None:
            offered = offer(frame.payload, client)
            if offered is not None and len(found) < MOST:
                server = Server(offered.server, frame.source.hex(":"))
                found.add(server)
                self._learn(self._known.met(server, tools.clock.seconds()))

        station = tools.open_station(self.probe.interface, ETHERTYPE, heard, lost.append)
        try:
            for _ in range(ASKED):
                station.send(BROADCAST, discover(client))
                await self._wait(tools.pace.window / ASKED)
                if lost:
                    raise lost[0]
        finally:
            station.close()
        return found

    def _wait(self, seconds: float) -> Awaitable[None]:
        waited: Deferred[None] = deferLater(self._tools.clock, seconds)
        return waited

    async def _ask(self, own: IPv4Address, resolver: IPv4Address) -> None:
        try:
            answered = await self._tools.ask(own, resolver)
        except OSError as error:
            self.log.debug("{resolver} is not asked: {error}", resolver=resolver, error=error)
            return
        if resolver in self.probe.resolvers:
            now = self._tools.clock.seconds()
            self._learn(self._known.asked(resolver, now, answered=answered))

    def _learn(self, known: Knowledge) -> None:
        self._known = known
        before, self._outline = self._outline, known.outline
        if self._outline == before:
            return
        self.log.info(
            "VLAN {vlan}: DHCP servers that answer: {servers}; name servers: {resolvers}",
            vlan=self.probe.vlan,
            servers=_listed(f"{each.address} ({each.mac})" for each in self._outline.servers),
            resolvers=_listed(map(str, self._outline.answering)),
        )
        self._changed()

    def _met(self, problem: str) -> None:
        """Say it once until it is solved."""
        if problem and not self._problem:
            self.log.warn("VLAN {vlan}: {problem}", vlan=self.probe.vlan, problem=problem)
        self._problem = problem


def _listed(words: Any) -> str:
    return ", ".join(sorted(words)) or "none"
