"""One link: AMP with deadlines, a heartbeat, typed errors, and commands that come with trust.

A link begins with a stranger: its locator has the handshake only, and the proof must come within
`Timing.proof` seconds. Changing the locator is how commands appear and disappear. The channel below
is TLS or plain TCP (`maasha.rpc.tls`); the other kind is named and never spoken.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import frozen
from OpenSSL import SSL
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.error import ConnectionClosed, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure
from zope.interface import implementer

from maasha.rpc.addresses import shown
from maasha.rpc.commands import Call, Ping
from maasha.rpc.deadline import within
from maasha.rpc.errors import ChannelMismatch, LinkLost, RpcError, TurnedAway, recognise
from maasha.rpc.outcome import to_wire
from maasha.rpc.socket_options import tune
from maasha.rpc.tls import PLAIN_TCP, PLAIN_WORD, RECORDS, TLS, tls_below

DEADLINE = 10.0
"""Seconds that a call waits for its answer, unless it says otherwise."""
STRANGER_BYTES = 4096
"""What a peer may send before it is trusted; the handshake needs less than a quarter of it."""
MESSAGE_BYTES = 16 * 1024 * 1024
"""What one message may have after the proof, its keys included."""
MESSAGE_PARTS = 2048
"""Keys and values of one message; 16 MiB in the longest values are about half of it."""
SILENT_BEATS = 3
"""Beats without traffic between them: at least two whole periods, whatever the phase.

Beats are counted, not seconds: after a pause of this very process one beat is missed, and what
the peer sent meanwhile is read before the next.
"""

log = Logger()


@frozen
class Timing:
    """How patient a link is; all in seconds."""

    heartbeat: float = 1.0
    """Between two pings."""
    ping: float = 2.0
    proof: float = 5.0
    """From the connection to the proof."""
    farewell: float = 2.0
    """For a polite close; towards a peer that does not read it would never end."""


TIMING = Timing()


@implementer(IHandshakeListener)
class Link(amp.AMP):
    """One end of a connection between a rack and a region.

    `locator` has the commands that the other side may call (`first` makes those of a stranger),
    `remote` is its address for people, `channel` the transport below (once connected), `trusted`
    tells whether it has proved the secret.
    """

    def __init__(
        self,
        clock: IReactorTime,
        first: Callable[[Link], amp.CommandLocator],
        timing: Timing = TIMING,
    ) -> None:
        super().__init__(locator=first(self))
        self.channel: ITCPTransport
        self.remote = ""
        self.trusted = False
        self._clock = clock
        self._timing = timing
        self._reason = ""
        self._error: RpcError | None = None
        self._open = False
        self._opening: Deferred[None] | None = None
        self._aborted = False
        self._ended = False
        self._listeners: list[Deferred[str]] = []
        self._timer: IDelayedCall | None = None
        self._heard = 0
        self._message_bytes = 0
        self._message_parts = 0
        self._silent_beats = 0
        self._incidents = 0

    # what the other modules use

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look; it fires with the reason once the link has ended."""
        waiting: Deferred[str] = Deferred()
        if self._ended:
            waiting.callback(self._reason)
        else:
            self._listeners.append(waiting)
        return waiting

    @property
    def opened(self) -> Deferred[None]:
        """Fires once the channel takes what is sent, under TLS after its handshake.

        Fails with TurnedAway, ChannelMismatch or LinkLost where it never will.
        """
        if self._ended:
            return fail(self._loss())
        if self._open:
            return succeed(None)
        self._opening = self._opening or Deferred()
        return self._opening

    async def call(
        self, command: type[Call], deadline: float = DEADLINE, **arguments: Any
    ) -> dict[str, Any]:
        """Call the other side and give the values of its answer.

        Raises the errors that the command declares, LinkLost, DeadlineExceeded (it ends the wait
        of this caller and nothing else), RemoteFailure, NotOffered and BadArgument; before the
        other side's first word also TurnedAway and ChannelMismatch.
        """
        answer: Deferred[dict[str, Any]] = self.callRemote(command, **arguments)
        try:
            return await within(deadline, self._clock, command.__name__, answer)
        except ConnectionClosed:
            raise self._loss() from None

    def trust(self, locator: amp.CommandLocator) -> None:
        """Let a peer that has proved the secret call these commands, and start the heartbeat."""
        self.trusted = True
        self.locator = locator
        self._beat_later()

    def abort(self, reason: str) -> None:
        """End the link at once; what was not yet sent or read is lost."""
        if not self._aborted and not self._ended:
            self._aborted = True
            self._reason = self._reason or reason
            self.channel.abortConnection()

    def give_up(self, error: RpcError) -> None:
        """Take an error as the reason for the end that is about to come."""
        self._error = error
        self._reason = self._reason or str(error)

    def leave(self, reason: str) -> Deferred[str]:
        """Send what is waiting, then end the link; abort it where that takes too long."""
        if not self._reason and not self._ended:
            self._reason = reason
            self._set_timer(self._timing.farewell, lambda: self.abort(reason))
            self.channel.loseConnection()
        return self.closed

    # what Twisted calls

    def makeConnection(self, transport: ITCPTransport) -> None:
        """Start the patience with a stranger.

        AMP's own method would log everyone who knocks. Links need what ITCPTransport has.
        """
        self.channel = transport
        self.remote = shown(transport.getPeer())
        self._set_timer(self._timing.proof, self._lose_patience)
        tune(transport)
        self._open = tls_below(transport) is None
        amp.BinaryBoxProtocol.makeConnection(self, transport)

    def handshakeCompleted(self) -> None:
        """Use the channel from now on: TLS calls this."""
        self._open = True
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail the calls that wait for an answer, and tell whoever looks at `closed`."""
        self._ended = True
        self._understand(reason)
        self._clear_timer()
        amp.BinaryBoxProtocol.connectionLost(self, Failure(ConnectionLost(self._reason)))
        self.transport = None
        if self._opening is not None:
            self._opening.errback(self._loss())
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.callback(self._reason)

    def dataReceived(self, data: bytes) -> None:
        """Take it as a sign of life; strangers may send only little."""
        self._silent_beats = 0
        if self.trusted or self._fits(data):
            super().dataReceived(data)

    def stringReceived(self, string: bytes) -> None:
        """Take a key or a value; one message may have only so many and so much."""
        self._message_parts += 1
        self._message_bytes += len(string)
        if self._message_parts > MESSAGE_PARTS or self._message_bytes > MESSAGE_BYTES:
            self.abort(f"garbage: a message of over {MESSAGE_PARTS} parts or {MESSAGE_BYTES} bytes")
        if not self._aborted:
            super().stringReceived(string)

    def lengthLimitExceeded(self, length: int) -> None:
        """Drop a peer that does not speak AMP: its key is longer than 255 bytes."""
        self.abort(f"garbage: a key of {length} bytes is not AMP")

    def ampBoxReceived(self, box: amp.AmpBox) -> None:
        """Sort a box into answers and commands; anything else ends the link, quietly."""
        self._message_parts = self._message_bytes = 0
        if self._aborted:
            return
        if amp.ANSWER in box or amp.ERROR in box:
            self._settle(box)
        elif amp.COMMAND in box:
            self._commandReceived(box)
        else:
            self.abort("garbage: a box that neither asks nor answers")

    def dispatchCommand(self, box: amp.AmpBox) -> Deferred[amp.AmpBox]:
        """Run a command; its errors become boxes of ours, none of them closes the link."""
        done: Deferred[amp.AmpBox] = super().dispatchCommand(box)
        self._incidents += 1
        return done.addErrback(to_wire, box[amp.COMMAND], f"{self.remote}#{self._incidents}")

    def unhandledError(self, failure: Failure) -> None:
        """Log an answer that could not be sent; its caller meets its deadline."""
        if not failure.check(amp.RemoteAmpError):
            log.failure("an answer to {remote} could not be sent", failure, remote=self.remote)

    # inside

    def _fits(self, data: bytes) -> bool:
        first, self._heard = not self._heard, self._heard + len(data)
        if self._error is not None:
            return False
        if first and data[0] in RECORDS:
            self.give_up(ChannelMismatch(PLAIN_TCP, TLS))
            self.channel.write(PLAIN_WORD)
            self.channel.loseConnection()
        elif self._heard > STRANGER_BYTES:
            self.abort(f"garbage: more than {STRANGER_BYTES} bytes before the proof")
        else:
            return True
        return False

    def _understand(self, reason: Failure) -> None:
        """Find words for an end that came by itself; it may be that we were not even let in."""
        if self._reason:
            return
        self._reason = _spoken(reason)
        unheard = not (self._open if tls_below(self.channel) else self._heard)
        if unheard and reason.check(ConnectionClosed):
            self.give_up(TurnedAway(self._reason))

    def _loss(self) -> RpcError:
        return self._error or LinkLost(self._reason)

    def _settle(self, box: amp.AmpBox) -> None:
        tag = box.get(amp.ANSWER) or box.get(amp.ERROR)
        question = self._outstandingRequests.pop(tag, None)
        if question is None:
            self.abort("garbage: an answer to no question")
        elif amp.ANSWER in box:
            question.callback(box)
        else:
            code, text = box.get(amp.ERROR_CODE, b""), box.get(amp.ERROR_DESCRIPTION, b"")
            question.errback(recognise(code, text))

    def _beat_later(self) -> None:
        if not self._reason:  # a link that is leaving has its last timer
            self._set_timer(self._timing.heartbeat, self._beat)

    def _beat(self) -> None:
        self._beat_later()
        self._silent_beats += 1
        if self._silent_beats >= SILENT_BEATS:
            self.abort(f"silent for {(SILENT_BEATS - 1) * self._timing.heartbeat:g} s or more")
        else:
            ensureDeferred(self._ping())

    async def _ping(self) -> None:
        with suppress(RpcError):  # an error is a sign of life too; _beat judges silence
            await self.call(Ping, self._timing.ping)

    def _lose_patience(self) -> None:
        self.abort(f"no proof of the secret within {self._timing.proof:g} s")

    def _set_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._clear_timer()
        self._timer = self._clock.callLater(seconds, then)

    def _clear_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


def _spoken(reason: Failure) -> str:
    if reason.check(ConnectionDone):
        return "the other side closed the connection"
    if isinstance(reason.value, SSL.Error):
        return f"TLS failed: {_complaint(reason.value)}"
    return reason.getErrorMessage()


def _complaint(error: SSL.Error) -> str:
    """Give OpenSSL's own words; the queue has (library, function, reason), the last the cause."""
    queue = error.args[0] if error.args else ()
    return ", ".join(words for _, _, words in queue) or "without a reason"
