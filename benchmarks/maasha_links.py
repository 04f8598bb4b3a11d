"""Links as maasha ships them; only what is called over them is the benchmark's.

They have the whole handshake with a rack's own key, deadlines, traces, metrics and the heartbeat.
"""

from __future__ import annotations

import secrets
from typing import Any, cast
from uuid import UUID

from twisted.internet import endpoints
from twisted.internet.defer import Deferred

from benchmarks.desk import Counts, Desk, clock
from benchmarks.processes import BACKLOG, LOOPBACK
from maasha.host.clock import steady
from maasha.model.cluster import InstanceId, Introduction, SystemId, Welcome, WorkerId
from maasha.rpc.commands import NONCE_LENGTH, Ping
from maasha.rpc.credentials import OWN_KEY, Credential, rack_key
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts, RegionFacts
from maasha.rpc.rack_side import RackDuties, join
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


class Door:
    """Lets every rack in and has it served by the benchmark."""

    async def register(
        self, _: Introduction, rack: RemoteRack, __: str, ___: Credential
    ) -> tuple[Welcome, RegionDuties]:
        """Take a rack that has proved its key."""
        clock.callLater(0, _serve, rack._link)  # when its welcome is written
        return WELCOME, cast(RegionDuties, Idle())


def _serve(link: Any) -> None:
    link.locator = Desk(counts)


class Idle:
    """The duties of a side that is never called."""

    async def lost(self, reason: str) -> None:
        """Do nothing."""


def _nonce() -> bytes:
    return secrets.token_bytes(NONCE_LENGTH)


def listen(port: int, tls: bool) -> Deferred[Any]:
    """Listen for links."""
    factory = RegionFactory(GROUND, REGION_FACTS, Door(), _nonce)
    endpoint = endpoints.TCP4ServerEndpoint(clock, port, BACKLOG, LOOPBACK)
    listening: Deferred[Any] = endpoint.listen(secure(factory, clock) if tls else factory)
    return listening


async def connect(port: int, tls: bool) -> Any:
    """Make one link."""
    endpoint = endpoints.TCP4ClientEndpoint(clock, LOOPBACK, port)
    introduction, duties = Introduction("rack", VERSION, RACK), cast(RackDuties, Idle())
    session = await join(
        GROUND, endpoint, RACK_FACTS, lambda: introduction, duties, _nonce, tls=tls
    )
    return session._link
