"""An extension to test with: bells at both ends that ring each other."""

from __future__ import annotations

from attrs import frozen
from twisted.internet.defer import Deferred

from maasha.rpc.commands import Call
from maasha.rpc.errors import RpcError, declared
from maasha.rpc.extension import Extension, Side
from maasha.rpc.peer import Peer
from maasha.rpc.wire import ORIGIN, Number, Text


@frozen
class Broken(RpcError):
    """The bell gives no sound."""

    bell: str

    def __str__(self) -> str:
        return f"bell {self.bell} is broken; mend it"


class Ring(Call):
    """Region to rack: ring a bell, and say how often it was rung."""

    arguments = [(b"bell", Text())]
    response = [(b"times", Number())]
    errors = declared(Broken)


class Heard(Call):
    """Rack to region: a bell was heard."""

    arguments = [(b"bell", Text())]


async def ring(rack: Peer, bell: str, deadline: float = 5.0) -> int:
    """Ring a rack's bell; raises Broken."""
    times: int = (await rack.call(Ring, deadline, bell=bell))["times"]
    return times


async def heard(region: Peer, bell: str) -> None:
    """Tell a region."""
    await region.call(Heard, bell=bell)


def trace() -> str:
    """Name the work that the running coroutine belongs to."""
    origin = ORIGIN.get()
    return origin.trace if origin else ""


class Tower(Side):
    """A rack's bells; each ring is told to the region."""

    made: list[Tower] = []

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        self.times = 0
        self.pause: Deferred[None] | None = None
        self.traces: list[str] = []
        self.made.append(self)

    @Ring.responder
    async def ring(self, bell: str) -> dict[str, object]:
        """Ring it."""
        self.traces.append(trace())
        if bell == "cracked":
            raise Broken(bell)
        if bell == "none":
            raise ZeroDivisionError("no such bell")
        if self.pause is not None:
            await self.pause
        self.times += 1
        await heard(self.peer, bell)
        return {"times": self.times}


class Village(Side):
    """A region's ears; it rings one bell by itself."""

    made: list[Village] = []

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        self.heard: list[str] = []
        self.traces: list[str] = []
        self.ended: list[str] = []
        self.answer: int | None = None
        self.made.append(self)

    @Heard.responder
    async def hear(self, bell: str) -> dict[str, object]:
        """Note it."""
        self.traces.append(trace())
        self.heard.append(bell)
        return {}

    async def live(self) -> None:
        """Ring once, then listen as long as the link lives."""
        try:
            self.answer = await ring(self.peer, "morning")
            await Deferred()
        finally:
            self.ended.append("quiet")


BELLS = Extension("bells", rack=Tower, region=Village)
