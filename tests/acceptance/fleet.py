"""Racks of the library alone, on one host: `python -m tests.acceptance.fleet HOST PORT SECRET`.

Takes one line of JSON for each order and prints one line for each that is done, in any order:

{"do": "call", "seconds": 5}            how long the calls of a standing link took
{"do": "join", "source": ADDRESS}       how long a new rack needs, with a rack's own patience
{"do": "fleet", "count": 500}           that many racks from one address; once when all are linked
{"do": "return"}                        once when all of them have been lost and are linked again
"""

from __future__ import annotations

import gc
import json
import random
import sys
from typing import Any

from attrs import define, evolve, field
from twisted.application.internet import backoffPolicy
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.stdio import StandardIO
from twisted.internet.task import deferLater, react
from twisted.protocols.basic import LineOnlyReceiver

from maasha.dhcp.hosts import fingerprint
from maasha.model.cluster import Introduction, Move, SystemId, WorkerId
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.probe import Probe
from maasha.model.sighting import Watch
from maasha.model.stamp import Stamp
from maasha.rpc.errors import NotMoved, RpcError
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.rack_side import Session, join
from tests.acceptance.stranger import nonce

CALLS_PER_SECOND = 50
DELAY = backoffPolicy(0.2, 10.0, jitter=random.random)
"""What rackd rests after a failure."""
REPORT = DhcpReport(serving=False)


class Duties:
    """Serves nothing, and says so."""

    async def own(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:  # noqa: ARG002
        """Obey."""
        return REPORT

    async def configure_dhcp(
        self,
        worker: WorkerId,  # noqa: ARG002  RackDuties' arguments
        epoch: Stamp,  # noqa: ARG002
        plan: DhcpPlan,
    ) -> DhcpReport:
        """Claim to run it."""
        return evolve(REPORT, generation=plan.generation)

    async def change_hosts(
        self,
        worker: WorkerId,  # noqa: ARG002  RackDuties' arguments
        epoch: Stamp,  # noqa: ARG002
        generation: Stamp,
        hosts: str,
    ) -> DhcpReport:
        """Claim to know them."""
        return evolve(REPORT, generation=generation, hosts=fingerprint(hosts))

    async def settle_dhcp6(self, worker: WorkerId, epoch: Stamp) -> DhcpReport:  # noqa: ARG002
        """Run nothing."""
        return REPORT

    async def configure_dhcp6(self, worker: WorkerId, epoch: Stamp, plan: DhcpPlan) -> DhcpReport:
        """Claim to run it."""
        return await self.configure_dhcp(worker, epoch, plan)

    async def retire(self, worker: WorkerId, epoch: Stamp) -> None:
        """Serve nothing."""

    async def migrate(self, link: Session, move: Move) -> WorkerId:  # noqa: ARG002
        """Stay."""
        raise NotMoved("it stays")

    async def resume_dhcp(self, *_: object) -> DhcpReport:
        """Have no orders."""
        return REPORT

    async def look_out(self, worker: WorkerId, epoch: Stamp, watches: tuple[Watch, ...]) -> None:
        """See nobody."""

    async def probe_networks(
        self, worker: WorkerId, epoch: Stamp, probes: tuple[Probe, ...]
    ) -> None:
        """Find nothing."""


@define(eq=False)
class Region:
    """Where the racks go."""

    reactor: Any
    host: str
    port: int
    secret: bytes


@define(eq=False)
class Rack:
    """One rack; it keeps its name."""

    region: Region
    hostname: str
    source: str | None = None
    system_id: SystemId | None = None
    tries: int = 0
    errors: set[str] = field(factory=set)

    async def link(self) -> Session:
        """Join, and again after a rest for as often as it fails."""
        failures = 0
        while True:
            self.tries += 1
            try:
                return await self._join()
            except RpcError as error:
                failures += 1
                self.errors.add(type(error).__name__)
                await deferLater(self.region.reactor, DELAY(failures))

    async def _join(self) -> Session:
        region, bound = self.region, (self.source, 0) if self.source else None
        endpoint = TCP4ClientEndpoint(region.reactor, region.host, region.port, 3, bound)
        facts = RackFacts("0.1.0", region.secret, self.system_id)
        introduction = Introduction(self.hostname, "0.1.0", self.system_id, serving=False)
        session = await join(
            Ground(region.reactor), endpoint, facts, lambda: introduction, Duties(), nonce
        )
        self.system_id = session.welcome.system_id
        return session


class Orders(LineOnlyReceiver):
    """Carries out what standard input says."""

    delimiter = b"\n"

    def __init__(self, region: Region) -> None:
        self._region = region
        self._clock = region.reactor
        self._caller = Rack(region, "caller")
        self._racks: list[Rack] = []
        self._sessions: dict[str, Session] = {}
        self._standing: Session | None = None

    def lineReceived(self, line: bytes) -> None:
        """Begin with it."""
        order = json.loads(line)
        done = Deferred.fromCoroutine(getattr(self, "do_" + order.pop("do"))(**order))
        done.addCallback(lambda result: print(json.dumps(result), flush=True))
        done.addErrback(lambda failure: print(json.dumps({"error": str(failure)}), flush=True))

    async def do_call(self, seconds: float) -> dict[str, Any]:
        """Call at a steady rate, however long each takes."""
        if self._standing is None or self._standing.closed.called:
            self._standing = await self._caller.link()
            await deferLater(self._clock, 1.0)  # its owner has settled
        took: list[float] = []
        failed: list[str] = []
        calls = []
        for _ in range(round(seconds * CALLS_PER_SECOND)):
            calls.append(Deferred.fromCoroutine(self._call(self._standing, took, failed)))
            await deferLater(self._clock, 1 / CALLS_PER_SECOND)
        await DeferredList(calls)
        took.sort()
        return {
            "calls": len(took),
            "failed": sorted(set(failed)),
            "p50": took[len(took) // 2],
            "p99": took[len(took) * 99 // 100],
        }

    async def _call(self, session: Session, took: list[float], failed: list[str]) -> None:
        began = self._clock.seconds()
        try:
            await session.remote.report_dhcp(REPORT)
        except RpcError as error:
            failed.append(str(error))
        took.append(self._clock.seconds() - began)

    async def do_join(self, source: str) -> dict[str, Any]:
        """Let a rack join that has never been there, from an address that has not either."""
        rack, began = Rack(self._region, f"new-{source}".replace(".", "-"), source), self._now()
        session = await rack.link()
        seconds = self._now() - began
        await session.leave()
        return {"seconds": seconds, "tries": rack.tries, "errors": sorted(rack.errors)}

    async def do_fleet(self, count: int) -> dict[str, Any]:
        """Link many racks."""
        began = self._now()
        self._racks = [Rack(self._region, f"nat{number}") for number in range(count)]
        await DeferredList([Deferred.fromCoroutine(self._link(rack)) for rack in self._racks])
        return {"seconds": self._now() - began}

    async def do_return(self) -> dict[str, Any]:
        """Link all again, each as soon as it has lost its link."""
        lost: list[float] = []

        async def again(rack: Rack) -> None:
            await self._sessions[rack.hostname].closed
            lost.append(self._now())
            rack.tries = 0
            await self._link(rack)

        print(json.dumps({"ready": True}), flush=True)
        await DeferredList([Deferred.fromCoroutine(again(rack)) for rack in self._racks])
        tries = [rack.tries for rack in self._racks]
        errors = sorted({error for rack in self._racks for error in rack.errors})
        return {"seconds": self._now() - min(lost), "most_tries": max(tries), "errors": errors}

    async def _link(self, rack: Rack) -> None:
        self._sessions[rack.hostname] = await rack.link()

    def _now(self) -> float:
        seconds: float = self._clock.seconds()
        return seconds


def main(reactor: Any, host: str, port: str, secret: str) -> Deferred[None]:
    """Take orders until killed."""
    gc.freeze()  # its own pauses are not the region's
    StandardIO(Orders(Region(reactor, host, int(port), bytes.fromhex(secret))))
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
