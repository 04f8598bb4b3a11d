"""What the tests of the wire share: commands, a desk that answers them, and lines in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.wire import AMP
from maasha.rpc.wire.limits import LIMITS, Limits
from maasha.rpc.wire.metrics import Metrics
from maasha.rpc.wire.timekeeper import Timekeeper
from maasha.rpc.wire.values import Number, Octets, Text

PEER = IPv4Address("TCP", "192.0.2.1", 1)


class Oops(Exception):
    """A declared error."""


class Lookup(amp.Command):
    """Two arguments that are always there."""

    arguments = [(b"id", amp.Integer()), (b"name", amp.Unicode())]
    response = [(b"ok", amp.Boolean()), (b"count", amp.Integer())]
    errors = {Oops: b"OOPS"}


class Sundry(amp.Command):
    """Arguments of many kinds, some absent."""

    arguments = [
        (b"flag", amp.Boolean()),
        (b"class", amp.Unicode(optional=True)),
        (b"numbers", amp.ListOf(amp.Integer())),
        (b"raw", amp.String(optional=True)),
        (b"ratio", amp.Float()),
    ]
    response = [
        (b"rows", amp.AmpList([(b"key", amp.Unicode())])),
        (b"said", amp.Unicode(optional=True)),
    ]


class Spread(amp.Command):
    """Values of the public command set, of any length."""

    arguments = [(b"number", Number()), (b"octets", Octets()), (b"text", Text(optional=True))]
    response = [(b"octets", Octets()), (b"text", Text())]


class Fail(amp.Command):
    """Fails in the way it is told."""

    arguments = [(b"how", amp.Unicode())]
    response = [(b"x", amp.Integer())]
    errors = {Oops: b"OOPS"}


class Wait(amp.Command):
    """Answered when a test says so."""

    cancellable = True

    arguments = [(b"id", amp.Integer())]
    response = [(b"id", amp.Integer())]
    errors = {Oops: b"OOPS"}


class Commit(amp.Command):
    """Work that must not end halfway."""

    arguments = [(b"id", amp.Integer())]
    response = [(b"id", amp.Integer())]


class Ping(amp.Command):
    """Nothing holds this one up."""

    urgent = True


class Unknown(amp.Command):
    """Nobody answers this one."""


class Desk(amp.CommandLocator):
    """Answers everything but Unknown."""

    def __init__(self) -> None:
        self.waiting: dict[int, Deferred[Any]] = {}
        self.cancelled: list[int] = []
        self.started: list[int] = []
        self.pings = 0

    @Lookup.responder
    def lookup(self, id: int, name: str) -> dict[str, object]:
        """Answer at once."""
        return {"ok": name != "", "count": id + 1}

    @Sundry.responder
    async def sundry(self, **given: Any) -> dict[str, object]:
        """Answer at once, from a coroutine."""
        rows = [{"key": str(number)} for number in given["numbers"]]
        return {"rows": rows, "said": given["Class"]}

    @Spread.responder
    def spread(self, number: int, octets: bytes, text: str | None) -> dict[str, object]:
        """Send back, `number` times."""
        return {"octets": octets * number, "text": text or ""}

    @Fail.responder
    def fail(self, how: str) -> Any:
        """Fail."""
        if how == "later":
            later: Deferred[Any] = Deferred()
            later.errback(Oops("later"))
            return later
        if how == "declared":
            raise Oops("é")
        return {"none": None, "text": {"x": "text"}, "empty": {}}[how]

    @Wait.responder
    def wait(self, id: int) -> Deferred[Any]:
        """Answer when told."""
        self.started.append(id)
        self.waiting[id] = Deferred(lambda _: self.cancelled.append(id))
        return self.waiting[id]

    @Commit.responder
    def commit(self, id: int) -> Deferred[Any]:
        """Answer when told."""
        return self.wait(id)

    @Ping.responder
    def ping(self) -> dict[str, object]:
        """Answer at once."""
        self.pings += 1
        return {}

    def finish(self, id: int) -> None:
        """Answer a Wait."""
        self.waiting.pop(id).callback({"id": id})


class Transport:
    """A transport in memory that can be stuck like one whose peer does not read."""

    TLS = False
    disconnecting = False
    connected = True

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.producer: Any = None
        self.stuck = False
        self.reading = True

    def write(self, data: bytes) -> None:
        """Keep it; a stuck transport is full at once."""
        self.written.append(data)
        if self.stuck and self.producer:
            self.producer.pauseProducing()

    def take(self) -> bytes:
        """Let all bytes go."""
        taken = b"".join(self.written)
        self.written.clear()
        return taken

    def unstick(self) -> bytes:
        """Let all bytes go and say so."""
        self.stuck = False
        taken = self.take()
        if self.producer:
            self.producer.resumeProducing()
        return taken

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Note who is to be told."""
        assert streaming
        if self.producer is not None:
            raise RuntimeError("there is one")
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Forget it."""
        self.producer = None

    def pauseProducing(self) -> None:
        """Stop reading."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Go on reading."""
        self.reading = True

    def loseConnection(self) -> None:
        """Close after all is sent."""
        self.disconnecting = True

    def getPeer(self) -> IPv4Address:
        """Name somebody."""
        return PEER

    getHost = getPeer


class Pair:
    """Two protocols and the bytes between them; `cut` says in which chunks they arrive."""

    def __init__(
        self,
        client: Any,
        server: Any,
        cut: Callable[[bytes], Iterable[bytes]] = lambda data: [data],
    ) -> None:
        self.client, self.server, self.cut = client, server, cut
        self.near, self.far = Transport(), Transport()
        client.makeConnection(self.near)
        server.makeConnection(self.far)

    def flush(self) -> None:
        """Move all bytes until nothing moves any more."""
        while self._move(self.near, self.server) | self._move(self.far, self.client):
            pass

    def _move(self, transport: Transport, to: Any) -> bool:
        data = b"" if transport.stuck else transport.take()
        for chunk in self.cut(data) if data else ():
            if not self._is_closed(to):
                to.dataReceived(chunk)
        for end in (self.near, self.far):
            if end.disconnecting and not end.written:
                self._close()
        return bool(data)

    def _is_closed(self, end: Any) -> bool:
        return end.transport is None

    def _close(self) -> None:
        for end in (self.client, self.server):
            if end.transport is not None:
                end.connectionLost(Failure(ConnectionDone()))


class Timed(AMP):
    """Ours with all features on, and time in the hands of the test."""

    announces = False
    trace = b"t."
    timeout = 10.0

    def __init__(self, clock: Clock, limits: Limits = LIMITS, **given: Any) -> None:
        self.timekeeper = Timekeeper(clock, clock.seconds)
        self.limits = limits
        self.metrics = Metrics()
        super().__init__(**given)


def timed(
    clock: Clock, limits: Limits = LIMITS, client_limits: Limits = LIMITS
) -> tuple[Pair, Desk]:
    """Join two of ours."""
    desk = Desk()
    client = Timed(clock, client_limits)
    return Pair(client, Timed(clock, limits, locator=desk)), desk


def advance(clock: Clock, seconds: float) -> None:
    """Let time pass in small steps."""
    clock.pump([0.05] * round(seconds / 0.05))


def cutter(sizes: Iterator[int]) -> Callable[[bytes], Iterator[bytes]]:
    """Cut bytes into pieces of these sizes."""

    def cut(data: bytes) -> Iterator[bytes]:
        while data:
            size = next(sizes)
            yield data[:size]
            data = data[size:]

    return cut


def outcome(deferred: Deferred[Any]) -> list[Any]:
    """Give what a Deferred has come to: nothing, its value, or the type and text of its error."""
    found: list[Any] = []

    def failed(failure: Failure) -> None:
        found.append((failure.type, str(failure.value)))

    deferred.addCallbacks(found.append, failed)
    return found


keys = st.binary(min_size=1, max_size=12)
values = st.one_of(st.binary(max_size=40), st.binary(min_size=250, max_size=600))
boxes = st.dictionaries(keys, values, min_size=1, max_size=6)
