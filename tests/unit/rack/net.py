"""Networks in memory: TCP from a rack leads to regions that a test puts up, on one clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IConnector, IProtocolFactory
from twisted.internet.protocol import ClientFactory
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from maasha.model.cluster import Endpoint, EventLoop, InstanceId
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RegionFacts
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.tls import secure
from tests.unit.rpc.parts import INSTANCE, KEY_ROOT, REGION, SECRET, Counter, Door, Line

STEP = 0.1


class Net(MemoryReactorClock):
    """A reactor on which every address refuses connections that has no region."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: list[str] = []
        self.lines: list[Line] = []
        self._regions: dict[tuple[str, int], IProtocolFactory] = {}

    def put_up(
        self,
        endpoint: Endpoint,
        door: Door | None = None,
        instance: InstanceId = INSTANCE,
        *,
        tls: bool = True,
    ) -> Door:
        """Have a region listen."""
        door = door or Door()
        facts = RegionFacts(instance, REGION, "0.1.0", (SECRET,), KEY_ROOT)
        factory = RegionFactory(Ground(self), facts, door, Counter())
        self._regions[endpoint.host, endpoint.port] = secure(factory, self) if tls else factory
        return door

    def connectTCP(  # type: ignore[override]  # of the arguments only these are used
        self, host: str, port: int, factory: ClientFactory, timeout: float = 30, **more: Any
    ) -> IConnector:
        """Connect at once, or refuse."""
        connector: IConnector = super().connectTCP(host, port, factory, timeout, **more)
        self.tried.append(f"{host}:{port}")
        region = self._regions.get((host, port))
        if region is None:
            factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
        else:
            line = Line(region, self)
            line.connect(factory)
            self.lines.append(line)
        return connector

    def go(self, seconds: float = 0.0) -> None:
        """Move all bytes that can move, and let time pass."""
        self._flush()
        for _ in range(round(seconds / STEP)):
            self.advance(STEP)
            self._flush()

    def _flush(self) -> None:
        moving = True
        while moving:
            self.advance(0)  # TLS writes a turn later
            moving = any([line.pump.flush() for line in tuple(self.lines)])


def until(net: Net, condition: Callable[[], bool], within: float = 20.0) -> None:
    """Let time pass until something is so."""
    for _ in range(round(within / STEP)):
        net.go()
        if condition():
            return
        net.advance(STEP)
    raise AssertionError("it does not come to pass")


def worker(name: str, *places: str) -> EventLoop:
    """Name a worker and where it listens, as host:port."""
    pairs = (place.rpartition(":") for place in places)
    return EventLoop(name, tuple(Endpoint(host, int(port)) for host, _, port in pairs))


ELSEWHERE = InstanceId(UUID(int=99))
"""Another installation."""
