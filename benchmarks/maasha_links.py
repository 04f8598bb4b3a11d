"""Links as maasha ships them; only what is called over them is the benchmark's.

They have the whole handshake with a rack's own key, deadlines, traces, metrics and the heartbeat;
the contract comes as an extension.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from twisted.internet import endpoints
from twisted.internet.defer import Deferred

from benchmarks.desk import Counts, Desk, clock
from benchmarks.processes import BACKLOG, LOOPBACK
from maasha.host.clock import steady
from maasha.model.cluster import InstanceId, Introduction, SystemId, Welcome, WorkerId
from maasha.rpc.commands import Ping
from maasha.rpc.credentials import OWN_KEY, Credential, rack_key
from maasha.rpc.extension import Extension, Side
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts, RegionFacts
from maasha.rpc.idle import IdleRack, IdleRegion
from maasha.rpc.rack_side import join
from maasha.rpc.region_side import RegionDuties, RegionFactory
from maasha.rpc.remote import RemoteRack
from maasha.rpc.tls import secure

steady(clock)  # as the daemons do
GROUND = Ground(clock)

INSTANCE = InstanceId(UUID("6f1c2a4e-3b5d-4c7f-8a90-b1c2d3e4f506"))
REGION, RACK = SystemId("4y3h7n"), SystemId("acdefg")
KEY_ROOT = bytes(32)
VERSION = "benchmark"
REGION_FACTS = RegionFacts(INSTANCE, REGION, VERSION, (bytes(16),), KEY_ROOT)
RACK_FACTS = RackFacts(
    VERSION, rack_key(KEY_ROOT, INSTANCE, RACK), RACK, INSTANCE, credential=OWN_KEY
)
WELCOME = Welcome(RACK, INSTANCE, REGION, WorkerId(1), "b21hcGk=")


def counts() -> Counts:
    """Give what this process has counted."""
    metrics = GROUND.metrics
    answered, served = metrics.answered, metrics.served
    return Counts(
        sum(series.count for series in answered.values()),
        sum(series.count for series in served.values()),
        metrics.detours,
        sum(table[Ping].count for table in (answered, served) if Ping in table),
    )


class Service(Desk, Side):
    """The contract as an extension has it at the region's end."""

    def counts(self) -> Counts:
        """Give what this process has counted."""
        return counts()


class Door:
    """Lets every rack in."""

    async def register(
        self, _: Introduction, __: RemoteRack, ___: str, ____: Credential
    ) -> tuple[Welcome, RegionDuties]:
        """Take a rack that has proved its key."""
        return WELCOME, IdleRegion()


def listen(port: int, tls: bool) -> Deferred[Any]:
    """Listen for links."""
    extension = Extension("benchmark", region=Service)
    factory = RegionFactory(GROUND, REGION_FACTS, Door(), extensions=[extension])
    endpoint = endpoints.TCP4ServerEndpoint(clock, port, BACKLOG, LOOPBACK)
    listening: Deferred[Any] = endpoint.listen(secure(factory, clock) if tls else factory)
    return listening


async def connect(port: int, tls: bool) -> Any:
    """Make one link."""
    endpoint = endpoints.TCP4ClientEndpoint(clock, LOOPBACK, port)
    introduction, duties = Introduction("rack", VERSION, RACK), IdleRack()
    session = await join(GROUND, endpoint, RACK_FACTS, lambda: introduction, duties, tls=tls)
    return session._link  # its callRemote is called as stock AMP's is, without a coroutine
