"""How bytes leave: one write per turn, at once where the transport is idle, never without bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from maasha.rpc.wire.codecs import LARGE
from maasha.rpc.wire.direct import is_plain, primed, sent_at_once
from maasha.rpc.wire.errors import MessageTooLong
from maasha.rpc.wire.limits import LIMITS, Limits

Observer = Callable[[bool, bytes], None]
"""Hears bytes, and first whether this end sent them."""

log = Logger()


class Sending(amp.AMP):
    """AMP that collects the boxes of a turn, and knows when the peer does not read."""

    limits: Limits = LIMITS
    announces = True
    """Whether to log every connection made and lost, as stock AMP does."""
    choked = False
    """Whether the transport is full: the peer does not read."""
    _turn: list[bytes] | None = None
    """The boxes of this turn, None between turns."""
    _wrote = False
    """Whether a box left directly since the last turn: a second one is left to the reactor."""
    _plain = False
    _tls = False
    _unseen = 0
    """Bytes written since the last look at whether the transport is full."""
    _observer: Observer | None = None
    """Who hears every chunk (see `AMP.observe`); asked for once per chunk, not per message."""

    def makeConnection(self, transport: Any) -> None:
        """Look at what kind of transport it is, and have it send at once.

        With Nagle's algorithm on, a small call behind an unanswered one waits 40 ms (tcp(7)).
        """
        if (set_no_delay := getattr(transport, "setTcpNoDelay", None)) is not None:
            set_no_delay(True)
        self._plain = is_plain(transport)
        if self._plain:
            primed(transport)
        self._tls = isinstance(transport, BufferingTLSTransport)
        if isinstance(transport, TLSMemoryBIOProtocol):
            self._keep_order(transport)
        if self.announces:
            super().makeConnection(transport)
            return
        if not self._ampInitialized:
            amp.AMP.__init__(self)
        amp.BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Drop what was not sent."""
        if self.announces:
            super().connectionLost(reason)
            return
        amp.BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None

    def sendBox(self, box: amp.AmpBox) -> None:
        """Send a box that the general code made, in its order; raises MessageTooLong."""
        if self._locked or self.transport is None or self._startingTLSBuffer is not None:
            super().sendBox(box)
        else:
            self.send(self._bounded(box))
        if box.__class__ is not amp.AmpBox:  # something happens to the transport right after it
            self.flush()

    def _bounded(self, box: amp.AmpBox) -> bytes:
        data: bytes = box.serialize()
        if len(data) > self.limits.message:
            name = box.get(amp.COMMAND, b"an answer").decode("ascii", "replace")
            raise MessageTooLong(name, len(data), self.limits.message)
        return data

    def send(self, data: bytes) -> None:
        """Send a box now, or at the end of the turn."""
        turn = self._turn
        if turn is not None:
            turn.append(data)
            if len(data) > LARGE:
                self.flush()
        elif self._wrote:
            if self._observer is not None:
                self._show(True, data)
            self._pass_on(data)
        else:
            self._wrote = True
            self._write(data)

    def flush(self) -> None:
        """Write what this turn has collected, before something happens to the transport."""
        turn = self._turn
        if turn:
            data = turn[0] if len(turn) == 1 else b"".join(turn)
            turn.clear()
            self._write(data)

    def _write(self, data: bytes) -> None:
        transport: Any = self.transport
        if transport is None:
            return
        if self._observer is not None:
            self._show(True, data)
        if self._plain:
            sent = sent_at_once(transport, data)
            if sent == len(data):
                return
            if sent:
                data = data[sent:]
        self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        """Leave the bytes to the transport; after every `limits.unsent` ask whether it is full."""
        transport: Any = self.transport
        if transport is None:
            return
        self._unseen += len(data)
        if self._unseen < self.limits.unsent or self.choked:
            self._hand_over(transport, data)
            return
        self._unseen = 0
        watched = self._watch(transport)
        self._hand_over(transport, data)
        if watched and not self.choked:
            transport.unregisterProducer()

    def _show(self, sent: bool, data: bytes) -> None:
        """Let the observer hear a chunk; one that fails hears no more, the connection goes on."""
        if self._observer is None:
            return
        try:
            self._observer(sent, data)
        except Exception:
            self._observer = None
            log.failure("an observer of a connection failed and hears no more")

    def _watch(self, transport: Any) -> bool:
        try:
            transport.registerProducer(Valve(self), True)
        except (AttributeError, RuntimeError):  # no consumer, or somebody else's already
            return False
        return True

    def _hand_over(self, transport: Any, data: bytes) -> None:
        if (
            self._tls
            and self._turn is not None
            and not getattr(transport._aggregator, "_buffer", True)
        ):
            # the turn is collected here already: its buffer would only add a timer to each turn
            TLSMemoryBIOProtocol.write(transport, data)
        else:
            transport.write(data)

    def _keep_order(self, transport: Any) -> None:
        """TLS drops what is written after loseConnection(), so what came before goes first."""
        lose = transport.loseConnection

        def lose_after_flush() -> None:
            self.flush()
            lose()

        transport.loseConnection = lose_after_flush

    def _startTLS(self, *certificates: Any) -> None:
        self.flush()
        super()._startTLS(*certificates)
        self._keep_order(self.transport)

    def _switchTo(self, *protocol: Any) -> None:
        self.flush()
        super()._switchTo(*protocol)

    def choke(self, choked: bool) -> None:
        """Note that the transport is full, or empty again."""
        self.choked = choked


@implementer(IPushProducer)
class Valve:
    """Hears from a transport that it is full, and later that it is empty.

    It is registered only around a write and while the transport is full: one that stays would
    keep loseConnection() from ever closing a TLS connection.
    """

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    def pauseProducing(self) -> None:
        """Hear that the transport is full."""
        self._sending.choke(True)

    def resumeProducing(self) -> None:
        """Hear that it is empty again."""
        transport: Any = self._sending.transport
        if transport is not None:
            transport.unregisterProducer()
        self._sending.choke(False)

    def stopProducing(self) -> None:
        """Hear that the connection is gone."""
