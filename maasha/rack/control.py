"""rackd's control socket: answers those who may on its own host, and waits for none of them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IPushProducer,
    IReactorTime,
    IReactorUNIX,
)
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from maasha.rack.control_lines import (
    LONGEST_REQUEST,
    Answer,
    Done,
    Item,
    Refused,
    read_request,
    write_answer,
)

OWNER_ONLY = 0o600
"""Whoever may ask may one day stop a DHCP server too."""
PATIENCE = 5.0
"""Seconds from the connection to the request, and for an answer's end to be read."""
MOST_ASKERS = 32
"""Connections at the same time."""
UNREAD = 2**20
"""Bytes of an answer that may wait to be read, besides what the kernel holds; more end it."""

log = Logger()


class Reactor(IReactorUNIX, IReactorTime):
    """What the socket needs of a reactor."""


class Asker(Protocol):
    """Who asked, as the one who answers sees it."""

    @property
    def uid(self) -> int:
        """The user of this host whose process it is, by the kernel's word."""

    def tell(self, value: object) -> None:
        """Send an item, which JSON can carry; never waits. One who does not read is cut off."""


Question = Callable[[dict[str, Any], Asker], Awaitable[None]]
"""Answers one kind of question, given its details; its end is the answer's.

It is cancelled when whoever asked hangs up. Refused is what people are told; any other error is
logged.
"""


class Control(Service):
    """Listens on the UNIX socket `path`, which nobody else can open, while the service runs.

    DHCP and links do not depend on it: where it cannot listen, rackd says so and goes on.
    """

    def __init__(self, reactor: Reactor, path: Path, questions: Mapping[str, Question]) -> None:
        self._reactor = reactor
        self._path = path
        self._factory = Askers(reactor, questions)
        self._port: IListeningPort | None = None

    def startService(self) -> None:
        """Listen; what a rackd that was killed has left there makes room."""
        super().startService()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            self._port = self._reactor.listenUNIX(
                str(self._path), self._factory, mode=OWNER_ONLY, wantPID=False
            )
        except Exception:
            log.failure("no control socket at {path}: rackd cannot be asked", path=self._path)

    def stopService(self) -> Deferred[None]:
        """Close the socket and end every answer."""
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        self._factory.end()
        port, self._port = self._port, None
        if port is not None:
            self._path.touch()  # Twisted is to find what it unlinks
            await maybeDeferred(port.stopListening)


class Askers(ServerFactory):
    """Those who are connected."""

    noisy = False

    def __init__(self, clock: IReactorTime, questions: Mapping[str, Question]) -> None:
        self.clock = clock
        self.questions = questions
        self.connected: set[Exchange] = set()

    def buildProtocol(self, _: IAddress | None) -> Exchange:
        """Make one more; whether it is one too many it hears when it has asked."""
        return Exchange(self)

    def end(self) -> None:
        """Hang up on everyone."""
        for one in tuple(self.connected):
            one.end(Refused("rackd stops"))


@implementer(IPushProducer)
class Exchange(LineOnlyReceiver):
    """One connection: a request, its answer, the end."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST_REQUEST
    _channel: Any

    def __init__(self, all_of_them: Askers) -> None:
        self._askers = all_of_them
        self._work: Deferred[None] | None = None
        self._full = False
        self._unread = 0
        self._ended = False
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Wait for the request."""
        self._askers.connected.add(self)
        self._channel = self.transport
        self._channel.registerProducer(self, True)
        self._give_time(lambda: self.end(Refused("no request came")))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Stop working for nobody."""
        self._ended = True
        self._askers.connected.discard(self)
        self._take_time()
        if self._work is not None:
            self._work.cancel()

    def lineReceived(self, line: bytes) -> None:
        """Begin to answer; what comes after the request is ignored."""
        if self._work is not None or self._ended:
            return
        self._take_time()
        self._work = Deferred.fromCoroutine(self._answer(line))
        self._work.addCallbacks(lambda _: self.end(Done()), self._failed)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a request that has no end."""
        self.end(Refused(f"a request has at most {LONGEST_REQUEST} bytes, not {len(line)}"))

    async def _answer(self, line: bytes) -> None:
        request = read_request(line)
        if len(self._askers.connected) > MOST_ASKERS:
            raise Refused(f"{MOST_ASKERS} are asking already; end one of them")
        question = self._askers.questions.get(request.ask)
        if question is None:
            known = ", ".join(sorted(self._askers.questions))
            raise Refused(f"this rackd does not know {request.ask!r}; it knows {known}")
        await question(request.details, self)

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        error = failure.value
        if not isinstance(error, Refused):
            log.failure("a question on the control socket failed", failure)
            error = Refused("rackd failed to answer; its log says why")
        self.end(error)

    # towards whoever asked

    @property
    def uid(self) -> int:
        """Ask the kernel who is at the other end (SO_PEERCRED, unix(7)): pid, uid, gid."""
        raw = self._channel.getHandle().getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        uid: int = struct.unpack("3i", raw)[1]
        return uid

    def tell(self, value: object) -> None:
        """Send an item."""
        if not self._ended:
            self._write(Item(value))

    def end(self, last: Answer) -> None:
        """Send the last line and close, within PATIENCE."""
        if self._ended:
            return
        self._write(last)
        self._ended = True
        self._channel.unregisterProducer()
        self._channel.loseConnection()
        self._give_time(self._abort)

    def _write(self, answer: Answer) -> None:
        line = write_answer(answer)
        self._channel.write(line)
        self._unread = self._unread + len(line) if self._full else 0
        if self._unread > UNREAD:
            log.warn("one who asked on the control socket does not read: cut off")
            self._abort()

    def _abort(self) -> None:
        self._ended = True
        self._channel.abortConnection()

    def pauseProducing(self) -> None:
        """Hear that the transport is full."""
        self._full = True

    def resumeProducing(self) -> None:
        """Hear that it is empty again."""
        self._full, self._unread = False, 0

    def stopProducing(self) -> None:
        """Hear that the connection is gone."""

    # time

    def _give_time(self, then: Callable[[], None]) -> None:
        self._take_time()
        self._timer = self._askers.clock.callLater(PATIENCE, then)

    def _take_time(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
