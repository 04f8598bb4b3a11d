"""One process of a region: takes racks' links, acts for racks it owns, serves the API.

Started by the master as `python -m maasha.daemon.worker`, with the API's listening socket on
descriptor 3 and the life pipe on standard input.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import uuid4

from attrs import frozen
from twisted.application.internet import backoffPolicy
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import Factory
from twisted.internet.task import react
from twisted.logger import Logger, globalLogBeginner, textFileLogObserver

from maasha import __version__
from maasha.api.bodies import MAX_BODY
from maasha.api.metrics import FRESH, MetricsPage
from maasha.api.services import ApiServices
from maasha.api.shared import Shared
from maasha.api.site import make_resource
from maasha.config import RegiondSettings, parse_regiond
from maasha.db import regions
from maasha.db.channels import Channel
from maasha.db.connector import Connector
from maasha.db.dedicated import LIMITS, Dedicated
from maasha.db.instance import Instance
from maasha.db.lane import Lane
from maasha.db.leadership import Leadership
from maasha.db.notices import Notices
from maasha.db.pool import open_pool
from maasha.db.regions import Identity
from maasha.db.shares import lane, shares
from maasha.db.transaction import Transaction
from maasha.host import descriptors, interfaces
from maasha.host.boot import boot_id
from maasha.host.clock import steady
from maasha.host.daemons import load
from maasha.host.routine import Routine
from maasha.model.cluster import Endpoint, Ownership, RackKey, SystemId, WorkerId
from maasha.model.network import Interface
from maasha.region.addresses import own_addresses, published
from maasha.region.appointing import Appointing
from maasha.region.balancing import Balancing, rules_of
from maasha.region.clerk import Clerk
from maasha.region.closing import Port, close_port
from maasha.region.connections import Connections, RackLink
from maasha.region.credentials import Credentials
from maasha.region.database import database_settings
from maasha.region.lag import Lag
from maasha.region.lapsing import Lapsing
from maasha.region.leaving import move_away
from maasha.region.lifeline import Lifeline
from maasha.region.listener import NoFreePort, limits_of, listen, serve
from maasha.region.lookouts import Lookouts
from maasha.region.master import HTTP_DESCRIPTOR
from maasha.region.metrics.exposition import CONTENT_TYPE
from maasha.region.metrics.offer import Offer, UnixReactor, socket_of
from maasha.region.metrics.reading import Parts, Reading
from maasha.region.metrics.scrape import Scrape
from maasha.region.naming import Naming
from maasha.region.presence import Presence, Standing
from maasha.region.refusals import Refusals
from maasha.region.registration import Registration
from maasha.region.relocation import Relocation
from maasha.region.retirement import Retirement
from maasha.region.round_trips import RoundTrips
from maasha.region.rush import Rush
from maasha.region.steward import Steward
from maasha.region.survey import survey
from maasha.region.tally import Tally
from maasha.region.vigil import Vigil
from maasha.region.wardship import Wardship
from maasha.region.web import Entrance
from maasha.rpc.extension import Extension
from maasha.rpc.ground import Ground, Timing, limits_for
from maasha.rpc.handshake import RegionFacts
from maasha.rpc.pace import Pace
from maasha.rpc.plugins import installed
from maasha.rpc.porter import Porter
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.tls import secure

REFUSAL_RESTS = 5.0, 60.0
"""Seconds until a plan that dhcpd refused is tried again: after the first refusal, and at most."""
PATIENCE = 1.0
"""Seconds that callers of the API wait for a worker that starts; then they hear 503."""
INTERFACE_INTERVAL = 10.0
"""Seconds between looks at the host's addresses."""
MOVED_WITHIN = 5.0
"""Seconds that a worker that ends leaves the leader to move its links; the master waits eight."""
FAREWELL = "the region worker stops"


@frozen
class Place:
    """Which worker this is: worker `slot` of `workers`."""

    slot: int
    workers: int


class Worker(MultiService):
    """The object graph; what racks see begins when the database knows this worker."""

    log = Logger()

    def __init__(
        self,
        reactor: EPollReactor,
        settings: RegiondSettings,
        place: Place,
        extensions: Sequence[Extension] = (),
    ) -> None:
        super().__init__()
        self._extensions = extensions
        self._reactor = reactor
        self._settings = settings
        self._place = place
        self._token = uuid4()
        self._addresses: tuple[Interface, ...] = ()
        self._port: int | None = None
        self._opening: IDelayedCall | None = None
        self._moved_within = MOVED_WITHIN
        self._doors: list[IListeningPort] = []
        timing = Timing(proof=float(settings.rpc_proof_timeout))
        self._ground = Ground(reactor, timing, limits_for(settings.rpc_message_limit))
        self._tally = Tally()
        self._connect_database(random.SystemRandom().random)
        self._connections = Connections()
        self._take_racks()
        self._relocation = Relocation(reactor, self._acting, self._connections, self._worker_id)
        self._policy, limits = rules_of(settings)
        self._balancing = Balancing(
            reactor,
            self._dedicated.run,
            self._is_leading,
            Appointing(self._dedicated.run),
            self._rush,
            self._policy,
            limits,
            self._worker_id,
            lambda: self._presence.regained,
            Naming(reactor, self._dedicated.run),
        )
        self._dedicated.on_close(self._balancing.deposed)
        self._lookouts = Lookouts(
            reactor,
            self._acting,
            self._rush,
            lambda: self._wardship.stewards,
            lambda: standing.instance.key_root if (standing := self._presence.standing) else None,
        )
        self._retirement = Retirement(reactor, self._pool, self._connections)
        self._credentials = Credentials(reactor, self._pool, self._secrets_changed)
        self._factory: RegionFactory | None = None
        self._show_figures()
        for part in (
            self._presence,
            self._wardship,
            self._registration,
            self._retirement,
            self._credentials,
            self._relocation,
            self._balancing,
            self._lookouts,
            Vigil(reactor, self._dedicated.run, self._is_leading, lambda: self._balancing.verdict),
            *survey(
                reactor,
                self._acting,
                self._rush,
                lambda: self._wardship.stewards,
                lambda: self._presence.standing,
                lambda: own_addresses(self._addresses, settings.rpc_networks),
                settings.dns_servers,
            ),
            RoundTrips(reactor, self._pool, self._connections),
            Lapsing(reactor, self._pool, self._is_leading),
        ):
            part.setServiceParent(self)
        watching = Routine(reactor, INTERFACE_INTERVAL, self._watch_interfaces, "interfaces")
        watching.setServiceParent(self)

    def startService(self) -> None:
        """Serve the API's port as soon as there is a database; with 503 where that takes long."""
        self._pool.start()
        self._dedicated.start()
        self._notices.subscribe(Channel.RACKS, self._racks_changed)
        self._notices.subscribe(Channel.DHCP, self._dhcp_changed)
        self._notices.subscribe(Channel.MOVES, lambda _: self._relocation.wake())
        self._notices.subscribe(Channel.PLACEMENT, self._placement_changed)
        self._notices.subscribe(Channel.SECRETS, lambda _: self._credentials.wake())
        super().startService()
        self._opening = self._reactor.callLater(PATIENCE, self._open_entrance)

    def stopService(self) -> Deferred[None]:
        """Leave the racks to other workers, where there are any, and the database in good order."""
        return Deferred.fromCoroutine(self._stop())

    def orphaned(self) -> None:
        """End without its master, at once: the next one needs the port, and its links come soon."""
        self._moved_within = 0.0
        with suppress(ReactorNotRunning):  # one that stops already closes the lifeline too
            self._reactor.stop()

    async def _stop(self) -> None:
        closing = Deferred.fromCoroutine(self._close_entrance())
        if (worker := self._worker_id()) is not None:
            seconds = self._moved_within
            await move_away(self._reactor, self._pool, worker, self._connections, seconds)
        await closing
        await DeferredList([link.remote.close(FAREWELL) for link in self._connections])
        await super().stopService()
        await self._presence.leave()
        await self._dedicated.stop()
        await self._pool.stop()

    def _connect_database(self, jitter: Callable[[], float]) -> None:
        """Divide this worker's connections into the pool and the one that listens."""
        where = database_settings(self._settings)
        program = f"maasha worker {self._place.slot}"
        size = shares(self._place.workers).pool
        self._pool = open_pool(self._reactor, where, size, jitter=jitter, program=program)
        self._taking = Lane(self._reactor, self._pool, lane(size))
        self._acting = Lane(self._reactor, self._pool, lane(size))
        connector = Connector(self._reactor, where, LIMITS, program=f"{program} notices")
        self._dedicated = Dedicated(self._reactor, connector, jitter=jitter)
        self._notices = Notices(self._dedicated)
        self._leadership = Leadership(self._dedicated)

    def _take_racks(self) -> None:
        """Make what takes racks in and acts for them, and the row that lets it."""
        reactor = self._reactor
        self._presence = Presence(
            reactor,
            self._pool,
            self._identity,
            self._endpoints,
            self._established,
            self._relink,
            self._superseded,
            self._is_leading,
        )
        self._wardship = Wardship(
            reactor, self._pool, self._connections, self._worker_id, self._make_steward
        )
        self._rush = Rush(reactor)
        self._clerk = Clerk(reactor, self._acting)
        self._registration = Registration(
            reactor,
            self._taking,
            self._acting,
            self._connections,
            self._wardship,
            lambda: self._presence.standing,
            lambda: self._presence.gives_way,
            self._rush,
            lambda: datetime.now(UTC),
        )

    def _show_figures(self) -> None:
        """Make what tells siblings and Prometheus how this worker fares, and the way in."""
        local = cast(UnixReactor, self._reactor)  # zope knows that it is one, mypy does not
        folder, place = self._settings.data_dir, self._place
        lag = Lag(self._reactor)
        read = Shared(self._reactor, self._reading(lag).read, FRESH).get
        scrape = Scrape(local, folder, place.slot, place.workers, read)
        page = MetricsPage(self._reactor, scrape.text, CONTENT_TYPE)
        self._entrance = Entrance(self._reactor, MAX_BODY, page)
        for part in (lag, Offer(local, socket_of(folder, place.slot), read)):
            part.setServiceParent(self)

    def _reading(self, lag: Lag) -> Reading:
        """Make what reads this worker's figures."""
        return Reading(
            Parts(
                clock=self._reactor,
                pool=self._pool,
                lanes={"taking": self._taking, "acting": self._acting},
                connections=self._connections,
                wardship=self._wardship,
                tally=self._tally,
                wire=self._ground.metrics,
                lag=lag,
                worker=self._worker_id,
                drained=lambda: self._presence.gives_way,
                leading=lambda: self._leadership.leading,
            )
        )

    # what the parts ask

    async def _identity(self, tx: Transaction) -> Identity:
        region = await regions.register_region(tx, socket.gethostname(), __version__)
        capacity = self._settings.capacity / 100
        return Identity(region, self._place.slot, os.getpid(), self._token, boot_id(), capacity)

    def _endpoints(self) -> tuple[Endpoint, ...]:
        settings = self._settings
        if self._port is None:
            return ()
        if settings.advertise:
            slot = self._place.slot
            return tuple(Endpoint(place.host, place.port + slot) for place in settings.advertise)
        return published(
            self._addresses,
            self._port,
            addresses=settings.rpc_addresses,
            networks=settings.rpc_networks,
        )

    def _is_leading(self) -> bool:
        return self._leadership.leading

    def _worker_id(self) -> WorkerId | None:
        standing = self._presence.standing
        return standing.worker if standing is not None else None

    async def _relink(self, tx: Transaction, standing: Standing) -> None:
        await self._registration.relink(tx, standing)

    def _make_steward(self, link: RackLink, held: Ownership, *, patient: bool) -> Steward:
        delay, epoch = backoffPolicy(*REFUSAL_RESTS), held.epoch
        whose = self._reactor, self._acting, self._clerk, self._rush
        return Steward(*whose, link, epoch, delay, patient=patient)

    # what happens

    def _established(self, standing: Standing) -> None:
        """Take racks, and answer the API, from now on."""
        services = ApiServices(
            self._pool,
            self._notices,
            self._reactor,
            __version__,
            standing.instance.id,
            self._policy,
        )
        self._entrance.open(make_resource(services))
        self._open_entrance()
        who = f"worker:{standing.worker}"
        refusals = Refusals(self._reactor, self._pool, who, self._registration, self._tally)
        self._factory = RegionFactory(
            self._ground,
            region_facts(standing.instance, standing.identity.region),
            refusals,
            refused=refusals.refused,
            porter=Porter(self._reactor, limits_of(self._settings)),
            tokens=self._credentials.token_secret,
            extensions=self._extensions,
        )
        self._credentials.know(standing.instance)
        try:
            self._port = self._listen(self._factory)
        except (NoFreePort, OSError) as error:
            self.log.critical("this worker ends: {error}", error=error)
            self._reactor.stop()
            return
        self._wardship.wake()

    def _open_entrance(self) -> None:
        """Take calls of the API, unless this worker does already.

        The workers share the port: one that cannot answer yet leaves calls to one that can.
        """
        opening, self._opening = self._opening, None
        if opening is not None:
            if opening.active():
                opening.cancel()
            self._doors.append(self._adopt_port(HTTP_DESCRIPTOR, self._entrance.site))

    async def _close_entrance(self) -> None:
        """Leave those who come now to others, and answer those who are inside."""
        if self._opening is not None and self._opening.active():
            self._opening.cancel()
        os.close(HTTP_DESCRIPTOR)
        site = self._entrance.site
        for door in self._doors:
            await close_port(self._reactor, cast(Port, door), lambda: site.answering)

    def _listen(self, factory: RegionFactory) -> int:
        settings = self._settings
        listening = listen(
            settings.rpc_first_port,
            settings.rpc_last_port,
            self._place.slot,
            fixed=bool(settings.advertise),
        )
        port: int = listening.getsockname()[1]
        pace = Pace(self._reactor)
        offered = secure(factory, self._reactor, pace) if settings.rpc_tls else factory
        serve(self._reactor, listening, offered, pace)
        listening.close()
        return port

    def _adopt_port(
        self,
        descriptor: int,
        factory: object,
        family: socket.AddressFamily | None = None,
    ) -> IListeningPort:
        """Accept on a listening socket that is already there; Twisted takes a copy of it."""
        if family is None:
            with socket.socket(fileno=os.dup(descriptor)) as inherited:
                family = inherited.family
        adopted: IListeningPort = self._reactor.adoptStreamPort(descriptor, family, factory)
        return adopted

    def _secrets_changed(self, found: Instance) -> None:
        """Count from the next connection on; those that stand are not touched."""
        if self._factory is not None:
            self._factory.facts = region_facts(found, self._factory.facts.system_id)

    def _superseded(self) -> None:
        self._reactor.stop()

    def _racks_changed(self, _: str) -> None:
        self._wardship.wake()
        self._retirement.wake()
        self._lookouts.wake()
        self._balancing.news()

    def _placement_changed(self, _: str) -> None:
        self._presence.wake()
        self._lookouts.wake()
        self._balancing.news()

    def _dhcp_changed(self, rack: str) -> None:
        self._wardship.wake_stewards(RackKey(int(rack)) if rack else None)
        self._lookouts.wake()
        self._balancing.news()

    async def _watch_interfaces(self) -> None:
        found = await interfaces.read(self._reactor)
        if found != self._addresses:
            self._addresses = found
            self._presence.wake()


def region_facts(found: Instance, region: SystemId) -> RegionFacts:
    """Give what a handshake needs to know of the instance."""
    root = bytes.fromhex(found.key_root)
    return RegionFacts(found.id, region, __version__, found.secrets, root)


def main(reactor: EPollReactor, *arguments: str) -> Deferred[None]:
    """Run until the master is gone or says so."""
    parser = argparse.ArgumentParser(prog="maasha.daemon.worker")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args(arguments)
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)])
    descriptors.allow_all()
    Factory.noisy = False  # the ports are logged where they are chosen
    steady(reactor)
    settings, place = load(given.config, parse_regiond), Place(given.slot, given.workers)
    worker = Worker(reactor, settings, place, installed())
    Lifeline(reactor, sys.stdin.fileno(), worker.orphaned).startReading()
    reactor.addSystemEventTrigger("before", "shutdown", worker.stopService)
    worker.startService()
    # what the modules are made of is never garbage: to look for it stops every call for 45 ms
    gc.collect()
    gc.freeze()
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
