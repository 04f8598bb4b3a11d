"""Asks a name server one question over UDP, from one of our addresses: RFC 1035, section 4.2.1."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime, IReactorUDP
from twisted.internet.protocol import DatagramProtocol
from twisted.names.dns import ENAME, OK, A, Message

PORT = 53
NAME = b"localhost"
"""A caching server knows it by itself (RFC 6761, 6.3), so nobody else is asked."""
DEADLINE = 2.0
"""Seconds for an answer."""
LONGEST = 4096
"""Bytes that are read of an answer."""
TRIES = 2
"""A datagram may always get lost."""
ANSWERS = (OK, ENAME)
"""There is such a name, or there is none. Whoever refuses or fails helps no client."""


class AskReactor(IReactorUDP, IReactorTime):
    """What asking needs of a reactor."""


class Question(DatagramProtocol):
    """Waits for the answer to one question; what else comes is no answer."""

    noisy = False

    def __init__(self, number: int, server: tuple[str, int]) -> None:
        self._message = Message(id=number, recDes=1)
        self._message.addQuery(NAME, A)
        self._server = server
        self.ended: Deferred[bool] = Deferred()
        """Fires with whether the answer is of use."""

    def send(self) -> None:
        """Ask; where the way is known to be closed nothing goes out."""
        transport = self.transport
        if transport is not None:
            transport.write(self._message.toStr(), self._server)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Judge an answer."""
        answer = Message()
        try:
            answer.fromStr(datagram)
        except Exception:
            return
        ours = addr[:2] == self._server and answer.id == self._message.id and answer.answer
        if ours and not self.ended.called:
            self.ended.callback(answer.rCode in ANSWERS)


async def answers(
    reactor: AskReactor,
    number: Callable[[], int],
    own: IPv4Address,
    server: IPv4Address,
    port: int = PORT,
) -> bool:
    """Whether a name server answers a question from an address of ours.

    Raises OSError where that is none. `number` gives a random number of 16 bits.
    """
    question = Question(number(), (str(server), port))
    try:
        listening = reactor.listenUDP(0, question, str(own), LONGEST)
    except CannotListenError as error:
        raise OSError(f"cannot ask from {own}: {error.socketError}") from error
    try:
        return await _tried(reactor, question)
    finally:
        await maybeDeferred(listening.stopListening)


async def _tried(reactor: AskReactor, question: Question) -> bool:
    again = [reactor.callLater(DEADLINE * turn / TRIES, question.send) for turn in range(1, TRIES)]
    try:
        question.send()
        return await question.ended.addTimeout(DEADLINE, reactor)
    except (TimeoutError, OSError):
        return False
    finally:
        for call in again:
            if call.active():
                call.cancel()
