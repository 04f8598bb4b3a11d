"""Two links with a line between them, and what they say to each other."""

from __future__ import annotations

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.protocols import amp

from maasha.rpc.alive import Alive
from maasha.rpc.commands import Call
from maasha.rpc.errors import DhcpRefused, declared
from maasha.rpc.ground import Ground
from maasha.rpc.protocol import Link
from maasha.rpc.wire import Number, Text
from tests.unit.rpc.parts import Line, Peer


class Echo(Call):
    """Answer what was said, or fail as asked."""

    arguments = [(b"text", Text())]
    response = [(b"text", Text())]
    errors = declared(DhcpRefused)


class Strict(Call):
    """Take a number under the name of Echo."""

    commandName = b"Echo"
    arguments = [(b"number", Number())]


class Foreign(Call):
    """Fail with an error that is none of ours."""

    errors = {ZeroDivisionError: b"ZERO"}


class Sloppy(Call):
    """Answer what the response does not allow."""

    response = [(b"number", Number())]


class Huge(Call):
    """Answer more than a box can carry, by a third party's own means."""

    response = [(b"text", amp.String())]


class Parrot(Alive):
    """Echoes, slowly if `pause` is set."""

    def __init__(self) -> None:
        self.pause: Deferred[None] | None = None
        self.failure: Exception | None = None

    @Echo.responder
    async def echo(self, text: str) -> dict[str, str]:
        """Answer the text."""
        if self.pause:
            await self.pause
        if self.failure:
            raise self.failure
        return {"text": text}

    @Foreign.responder
    def foreign(self) -> dict[str, object]:
        """Fail."""
        raise ZeroDivisionError("by zero")

    @Sloppy.responder
    def sloppy(self) -> dict[str, object]:
        """Answer nothing that fits."""
        return {"number": 10**30}

    @Huge.responder
    def huge(self) -> dict[str, object]:
        """Answer too much."""
        return {"text": b"x" * 70_000}


class Pair:
    """Two trusted links and the line between them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.ground = Ground(self.clock)
        self.parrot = Parrot()
        self.here = Link(self.ground, lambda _: amp.CommandLocator())
        self.there = Link(self.ground, lambda _: amp.CommandLocator())
        self.line = Line(self.there, self.clock)
        self.line.attach(self.here)
        self.here.trust(Alive())
        self.there.trust(self.parrot)

    def echo(self, text: str, deadline: float = 10.0) -> Deferred[dict[str, str]]:
        """Call Echo and move the bytes."""
        answer = ensureDeferred(self.here.call(Echo, deadline, text=text))
        self.line.pump.flush()
        return answer


def stranger() -> tuple[Link, Line, Peer]:
    """Give a link that has not been trusted and a stock peer of it."""
    clock, peer = Clock(), Peer()
    link = Link(Ground(clock), lambda _: amp.CommandLocator())
    line = Line(peer, clock)
    line.attach(link)
    return link, line, peer
