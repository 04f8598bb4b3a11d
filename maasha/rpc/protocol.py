"""One link: AMP with deadlines, a heartbeat, typed errors, and commands that come with trust.

A link begins with a stranger: its locator has the handshake only, and the proof must come in time.
Changing the locator is how commands appear and disappear. The channel below is TLS or plain TCP
(`maasha.rpc.tls`); the other kind is named and never spoken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionClosed, ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure
from zope.interface import implementer

from maasha.rpc.addresses import shown
from maasha.rpc.commands import Call, Ping
from maasha.rpc.errors import ChannelMismatch, LinkLost, RpcError, TurnedAway, recognise
from maasha.rpc.ground import Ground
from maasha.rpc.outcome import to_wire
from maasha.rpc.pulse import ASKED_EVERY, DEAD_AFTER, STEADY, Health, RoundTrip, after, smoothed
from maasha.rpc.socket_options import acknowledged, tune
from maasha.rpc.tls import PLAIN_TCP, PLAIN_WORD, RECORDS, TLS, tcp_below, tls_below
from maasha.rpc.wire import AMP
from maasha.rpc.wire.codecs import errors_of

DEADLINE = 10.0
"""Seconds that a call waits for its answer, unless it says otherwise."""
STRANGER_BYTES = 4096
"""What a peer may send before it is trusted; the handshake needs less than a quarter of it."""
PARTING = "both sides are about to end it"

log = Logger()


@implementer(IHandshakeListener)
class Link(AMP):
    """One end of a connection between a rack and a region.

    `patience` is how many seconds the other side has to prove itself, left out: `Timing.proof`.
    `locator` has the commands that the other side may call (`first` makes those of a stranger),
    `remote` is its address for people, `channel` the transport below (once connected), `trusted`
    tells whether it has proved the secret, `parting` that no more calls are made from here,
    `round_trip` how long one takes (None before the first).
    """

    # not in the dict that Twisted's part needs: a region has thousands of links
    __slots__ = (
        "_beats",
        "_ended",
        "_error",
        "_ground",
        "_incidents",
        "_listeners",
        "_now",
        "_open",
        "_opening",
        "_patience",
        "_pulse",
        "_reason",
        "_timer",
        "_unproved_bytes",
        "channel",
        "limits",
        "metrics",
        "parting",
        "remote",
        "round_trip",
        "timekeeper",
        "trace",
        "trusted",
    )
    announces = False
    timeout = DEADLINE

    def __init__(
        self,
        ground: Ground,
        first: Callable[[Link], amp.CommandLocator],
        patience: float | None = None,
    ) -> None:
        super().__init__(locator=first(self))
        self._patience = ground.timing.proof if patience is None else patience
        self.channel: ITCPTransport
        self.remote = ""
        self.trusted = False
        self.parting = False
        self.round_trip: RoundTrip | None = None
        self.timekeeper = ground.timekeeper
        self._now = ground.clock.seconds
        self.limits = ground.limits
        self.metrics = ground.metrics
        self.trace = ground.trace()
        self._ground = ground
        self._reason = ""
        self._error: RpcError | None = None
        self._open = False
        self._opening: Deferred[None] | None = None
        self._ended = False
        self._listeners: list[Deferred[str]] = []
        self._timer: IDelayedCall | None = None
        self._unproved_bytes = 0
        self._pulse = STEADY
        self._beats = 0
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

    @property
    def idle(self) -> bool:
        """Whether no call is under way, either way; heartbeats count, for moments."""
        return not self.in_flight and not self.at_work

    @property
    def health(self) -> Health:
        """What is thought of the peer; while it is suspect, calls wait here and are not sent."""
        return self._pulse.health

    async def call(
        self, command: type[Call], deadline: float = DEADLINE, /, **arguments: Any
    ) -> dict[str, Any]:
        """Call the other side and give the values of its answer.

        Raises the errors that the command declares, LinkLost, DeadlineExceeded (it ends the wait
        of this caller and nothing else), Busy, MessageTooLong, RemoteFailure, NotOffered and
        BadArgument; before the other side's first word also TurnedAway and ChannelMismatch.
        """
        if self.parting:
            raise LinkLost(self._reason or PARTING)
        return await self.call_within(deadline, command, **arguments)

    def part(self) -> None:
        """Make no more calls: both sides have agreed to end the link. Answers go on."""
        self.parting = True

    def trust(self, locator: amp.CommandLocator) -> None:
        """Let a peer that has proved the secret call these commands, and start the heartbeat."""
        self.trusted = True
        self.locator = locator
        if not self._reason:  # a link that is leaving has its last timer
            self._clear_timer()
            self._ground.rhythm.join(self._beat)
            self._ground.hear(tcp_below(self.channel))

    def abort(self, reason: str) -> None:
        """End the link at once; what was not yet sent or read is lost."""
        if not self.deaf and not self._ended:
            self.deaf = True
            self._reason = self._reason or reason
            self._ground.rhythm.leave(self._beat)
            self.channel.abortConnection()

    def give_up(self, error: RpcError) -> None:
        """Take an error as the reason for the end that is about to come."""
        self._error = error
        self._reason = self._reason or str(error)

    def leave(self, reason: str) -> Deferred[str]:
        """Send what is waiting, then end the link; abort it where that takes too long."""
        if not self._reason and not self._ended:
            self._reason = reason
            self._ground.rhythm.leave(self._beat)
            self._set_timer(self._ground.timing.farewell, lambda: self.abort(reason))
            self.channel.loseConnection()
        return self.closed

    # what Twisted and the wire call

    def makeConnection(self, transport: ITCPTransport) -> None:
        """Start the patience with a stranger; links need what ITCPTransport has."""
        self.channel = transport
        self.remote = shown(transport.getPeer())
        self._set_timer(self._patience, self._lose_patience)
        tune(transport)
        self._open = tls_below(transport) is None
        super().makeConnection(transport)

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
        self._ground.rhythm.leave(self._beat)
        super().connectionLost(Failure(self._loss()))
        if self._opening is not None:
            self._opening.errback(self._loss())
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.callback(self._reason)

    def admits(self, data: bytes) -> bool:
        """Take only little from a stranger."""
        first, self._unproved_bytes = not self._unproved_bytes, self._unproved_bytes + len(data)
        if self._error is not None:
            return False
        if first and data[0] in RECORDS:
            self.give_up(ChannelMismatch(PLAIN_TCP, TLS))
            self.channel.write(PLAIN_WORD)
            self.channel.loseConnection()
        elif self._unproved_bytes > STRANGER_BYTES:
            self.abort(f"garbage: more than {STRANGER_BYTES} bytes before the proof")
        else:
            return True
        return False

    def lengthLimitExceeded(self, length: int) -> None:
        """Drop a peer that does not speak AMP: its key is longer than 255 bytes."""
        self.deaf = False
        self.abort(f"garbage: a key of {length} bytes is not AMP")

    def garbage(self, _: amp.AmpBox) -> None:
        """Drop a peer that sends what neither asks nor answers, or answers no question."""
        self.abort("garbage: a box that neither asks nor answers")

    def failed(self, failure: Failure, command: bytes) -> Failure:
        """Make every error of a command an error box; none of them closes the link."""
        self._incidents += 1
        return to_wire(failure, command, f"{self.remote}#{self._incidents}")

    def recognise(self, code: bytes, description: bytes, command: type[amp.Command]) -> Exception:
        """Give the typed error that an error box stands for."""
        return recognise(code, description, errors_of(command))

    def unhandledError(self, failure: Failure) -> None:
        """Log an answer that could not be sent; its caller meets its deadline."""
        if not failure.check(amp.RemoteAmpError, RpcError):
            log.failure("an answer to {remote} could not be sent", failure, remote=self.remote)

    # inside

    def _understand(self, reason: Failure) -> None:
        """Find words for an end that came by itself; it may be that we were not even let in."""
        if self._reason:
            return
        self._reason = _spoken(reason)
        unheard = not (self._open if tls_below(self.channel) else self._unproved_bytes)
        if unheard and reason.check(ConnectionClosed):
            self.give_up(TurnedAway(self._reason))

    def _loss(self) -> RpcError:
        return self._error or LinkLost(self._reason)

    def _beat(self) -> None:
        """Judge the peer by what came since the last beat, and ask it if that was nothing.

        While this side does not read, the peer's kernel answers for it; then, and while a long
        message is still coming, it is this side that gives the peer nothing to hear, so it asks.
        """
        alive, self.heard = self.heard, False
        heard = alive or (not self.reading and self._is_acknowledged())
        self._beats += 1
        if heard and self._pulse is STEADY:
            if not self.reading or self._missing or self._beats % ASKED_EVERY == 0:
                self._ping()
            return
        before, self._pulse = self.health, after(self._pulse, heard)
        if self.health is Health.DEAD:
            seconds = (DEAD_AFTER - 1) * self._ground.timing.heartbeat
            self.abort(f"silent for {seconds:.2g} s or more")
            return
        if self.health is not before:
            self.withhold(self.health is Health.SUSPECT)
            log.info("{remote} is {health}", remote=self.remote, health=self.health.value)
        self._ping()

    def _is_acknowledged(self) -> bool:
        return acknowledged(self.channel, self._ground.timing.heartbeat)

    def _ping(self) -> None:
        sent = self._now()
        self.callRemote(Ping).addCallbacks(self._pong, _ignore, callbackArgs=(sent,))

    def _pong(self, _: object, sent: float) -> None:
        self.round_trip = smoothed(self.round_trip, self._now() - sent)

    def _lose_patience(self) -> None:
        self.abort(f"no proof of the secret within {self._patience:g} s")

    def _set_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._clear_timer()
        self._timer = self._ground.clock.callLater(seconds, then)

    def _clear_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


def _ignore(_: Failure) -> None:
    """Do nothing: an error is a sign of life too, and silence is judged by the beats."""


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
