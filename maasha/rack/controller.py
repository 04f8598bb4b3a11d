"""The rack controller: links, obedience, DHCP and reports, and what each tells the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from attrs import frozen
from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.feed import LeaseFeed
from maasha.dhcp.server import DhcpServer
from maasha.host.rests import Rests
from maasha.host.routine import Routine
from maasha.model.cluster import Introduction
from maasha.model.dhcp import DhcpReport
from maasha.model.network import Interface
from maasha.model.stamp import NEVER
from maasha.rack.acting import Region
from maasha.rack.choice import Pick
from maasha.rack.dialling import Dialler, Dialling, Met, unnoticed
from maasha.rack.duties import Duties
from maasha.rack.links import Links
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.lookout.scene import Scene
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rack.pool_reports import PoolReports
from maasha.rack.probing.instruments import Instruments
from maasha.rack.probing.probing import Probing
from maasha.rack.reports import Reports
from maasha.rack.search import Search
from maasha.rack.succession import Succession
from maasha.rpc.errors import RpcError
from maasha.rpc.extension import Extension
from maasha.rpc.ground import LIMITS
from maasha.rpc.rack_side import Session
from maasha.rpc.remote import RemoteRegion
from maasha.rpc.wire import Limits

STOP_INTERVAL = 5.0
"""Seconds between tries to stop the dhcpd of a rack that was deleted."""
REGISTRATION_INTERVAL = 1.0
"""Seconds between looks whether somebody has registered the rack anew."""


@frozen
class Surroundings:
    """What the controller gets from the host it runs on."""

    hostname: str
    version: str
    connections: int
    """How many links to keep."""
    url: str
    """The configured region that is named in the registration."""
    interfaces: Callable[[], Awaitable[tuple[Interface, ...]]]
    pick: Pick
    delay: Callable[[int], float]
    """Seconds to rest after so many failures in a row."""
    begin_anew: Callable[[], None]
    """Ends this process, for its supervisor to start the next."""
    now: Callable[[], datetime]
    """Gives the date."""
    scene: Scene
    """Where to look out for other racks."""
    instruments: Instruments
    """To probe networks for servers with."""
    tls: bool = True
    """Whether links are TLS."""
    limits: Limits = LIMITS
    """Of each link."""
    met: Met = unnoticed
    """Hears of each connection to a worker."""
    extensions: Sequence[Extension] = ()


class Controller(MultiService):
    """DHCP first: it is served before any region is looked for, and after all are gone."""

    log = Logger()

    def __init__(
        self,
        reactor: Dialler,
        memory: Memory,
        search: Search,
        dhcp: Callable[[Callable[[DhcpReport], None]], DhcpServer],
        feed: Callable[[Callable[[], None]], LeaseFeed],
        dhcp6: Callable[[Callable[[DhcpReport], None]], DhcpServer],
        around: Surroundings,
    ) -> None:
        super().__init__()
        self._clock = reactor
        self._memory = memory
        self._around = around
        self._feed = feed(lambda: self._reports.leases_changed())  # noqa: PLW0108  made below
        self._obedience = Obedience(memory)
        self._dhcp = self.dhcp = dhcp(lambda _: self._reports.changed())
        self._dhcp6 = dhcp6(lambda _: self._reports.changed())
        self.lookout = Lookout(
            around.scene,
            lambda: self._duties.paired,
            lambda: self._reports.sighted(),  # noqa: PLW0108  made below
        )
        self.probing = Probing(
            around.instruments,
            lambda: self._reports.found(),  # noqa: PLW0108  made below
        )
        self._duties = Duties(
            memory,
            self._obedience,
            self._dhcp,
            self._dhcp6,
            self.lookout,
            self._owned,
            lambda link, move: self._links.migrate(link, move),  # noqa: PLW0108  made below
            self.probing.probe,
        )
        self._links = Links(
            reactor,
            self._wanted_links,
            search.find,
            self._dialling(reactor).dial,
            around.pick,
            Rests(around.delay),
            self._opened,
            self._closed,
            self._owns,
            self._hand_over,
        )
        self._succession = Succession(reactor, self._obedience, lambda: self._links.sessions)
        self._reports = Reports(
            reactor,
            self._owner,
            self._dhcp,
            self._feed,
            self._dhcp6,
            around.interfaces,
            self.lookout,
            around.now,
            self.probing,
        )
        self._pools = PoolReports(reactor, self._owner, self._dhcp, self._feed)
        self._registration = memory.registration
        self._watching = Routine(reactor, REGISTRATION_INTERVAL, self._watch, "registration")
        self._incarnation = self._obedience.epoch.incarnation
        self._starting: Deferred[None] | None = None

    @property
    def region(self) -> Region:
        """What there is of the regions now."""
        names = {
            each: f"region {each.welcome.region}, worker {each.welcome.worker}"
            for each in self._links.sessions
        }
        acting = next((names[each] for each in names if self._owns(each)), "")
        return Region(self._owner(), acting, tuple(names.values()))

    def startService(self) -> None:
        """Serve DHCP as before, then look for regions; a deleted rack does neither."""
        super().startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._not_started)

    def stopService(self) -> Deferred[None]:
        """Leave the regions; dhcpd goes on."""
        if self._starting is not None:
            self._starting.cancel()
        stopped: Deferred[None] = super().stopService()
        return stopped.addCallback(lambda _: Deferred.fromCoroutine(self._let_go()))

    async def _let_go(self) -> None:
        await self._feed.stop()
        for server in (self._dhcp, self._dhcp6):
            await server.release()

    async def _start(self) -> None:
        self._watching.setServiceParent(self)
        if self._memory.retired:
            self.log.warn(
                "this rack was deleted from its instance and serves nothing: "
                "run `maasha-rack register` to bring it back"
            )
            stopping = Routine(self._clock, STOP_INTERVAL, self._duties.stop_serving, "stop")
            stopping.setServiceParent(self)
            return
        for server in (self._dhcp, self._dhcp6):
            await server.resume()
        self._feed.start()
        everyone = (self._links, self._succession, self._reports, self._pools)
        for part in (*everyone, self.lookout, self.probing):
            part.setServiceParent(self)

    def _not_started(self, failure: Failure) -> None:
        """Begin anew rather than live on without links."""
        if not failure.check(CancelledError):
            self.log.failure("the rack controller did not start", failure)
            self._around.begin_anew()

    def _wanted_links(self) -> int:
        """Give one while the rack has no name: two links at once would look like two racks."""
        return self._around.connections if self._memory.system_id is not None else 1

    def _dialling(self, reactor: Dialler) -> Dialling:
        return Dialling(
            reactor,
            self._memory,
            self._around.version,
            self._duties,
            self._around.interfaces,
            self._introduce,
            self._duties.leave_instance,
            self._around.begin_anew,
            tls=self._around.tls,
            limits=self._around.limits,
            met=self._around.met,
            extensions=self._around.extensions,
        )

    def _introduce(self, interfaces: tuple[Interface, ...]) -> Introduction:
        report = self._dhcp.report
        ours = self._memory.instance is not None and self._memory.instance == self._memory.served
        return Introduction(
            hostname=self._around.hostname,
            version=self._around.version,
            system_id=self._memory.system_id,
            url=self._around.url,
            interfaces=interfaces,
            epoch=self._obedience.epoch,
            generation=report.generation if ours else NEVER,
            lease_store=report.lease_store,
            serving=report.serving or self._dhcp6.report.serving,
            registration=self._memory.registration or "",
        )

    def _opened(self, session: Session) -> None:
        """Serve nothing of another instance's from the moment the rack belongs to this one."""
        instance = session.welcome.instance
        if self._memory.served not in (None, instance):
            self.log.warn("moved to instance {instance}: the old DHCP stops", instance=instance)
            emptied = Deferred.fromCoroutine(self._stop_the_old())
            emptied.addErrback(lambda failure: failure.trap(PlanRefused) and None)
        self._memory.serve(instance)

    async def _stop_the_old(self) -> None:
        await self._duties.look_no_more()
        for server in (self._dhcp, self._dhcp6):
            await server.withdraw()

    def _closed(self, session: Session, reason: str) -> None:
        lost = self._obedience.lose(session.welcome.worker)
        if lost is not None:
            self.log.info("the owner is gone ({reason})", reason=reason)
            self._succession.lost(lost)

    def _owned(self) -> None:
        incarnation = self._obedience.epoch.incarnation
        self._reports.owned(restored=incarnation != self._incarnation)
        self._incarnation = incarnation

    def _owner(self) -> RemoteRegion | None:
        return next((each.remote for each in self._links.sessions if self._owns(each)), None)

    def _owns(self, session: Session) -> bool:
        """Whether the worker at the far end acts for this rack."""
        owner = self._obedience.owner
        return owner is not None and session.welcome.worker == owner.worker

    async def _hand_over(self, _: Session, new: Session) -> None:
        """Have another worker act for this rack before the owner's link ends."""
        owner = self._obedience.owner
        if owner is not None:
            try:
                await new.remote.claim(owner)
            except RpcError as error:
                self.log.info("not handed over: {error}", error=error)

    async def _watch(self) -> None:
        if self._memory.registration != self._registration:
            self.log.warn("registered anew: rackd begins anew")
            self._around.begin_anew()
