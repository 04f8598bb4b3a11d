"""Asks the gate for every connection, shows out who must make room, and tells the log seldom."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger

from maasha.rpc.addresses import source_of
from maasha.rpc.gate import LIMITS, Gate, Limits
from maasha.rpc.protocol import Link
from maasha.rpc.seldom import INTERVAL, Seldom


class Porter:
    """Stands before the links of one listening side.

    A connection that is not admitted costs neither TLS nor a link: it is closed without a word.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, limits: Limits = LIMITS) -> None:
        self._clock = clock
        self._gate: Gate[Link] = Gate(limits)
        self._seldom = Seldom()

    def admits(self, peer: IAddress) -> bool:
        """Whether to take a connection from there now."""
        refusal = self._gate.knock(source_of(peer), self._clock.seconds())
        if refusal is not None:
            self._tell(source_of(peer), f"turned away, for {refusal.value}")
        return refusal is None

    def take(self, link: Link, peer: IAddress) -> None:
        """Watch an admitted link until its end."""
        leaving = self._gate.enter(link, source_of(peer), self._clock.seconds())
        link.closed.addCallback(self._gone, link, source_of(peer))
        if leaving is not None:
            leaving.abort("it had proved nothing yet and had to make room for others")

    def proved(self, link: Link) -> None:
        """Know from now on where this link comes from."""
        self._gate.prove(link, self._clock.seconds())

    def refused(self, link: Link) -> None:
        """Make its source pause; whoever refused it has told why, so the log needs no more."""
        now = self._clock.seconds()
        self._gate.refuse(link, now)
        self._seldom.allows(source_of(link.channel.getPeer()), now)

    def _gone(self, reason: str, link: Link, source: str) -> None:
        self._gate.leave(link, self._clock.seconds())
        if not link.trusted:
            self._tell(source, f"{link.remote} left before it proved the secret: {reason}")

    def _tell(self, source: str, what: str) -> None:
        if self._seldom.allows(source, self._clock.seconds()):
            self.log.warn(
                "from {source}: {what} (the like is not logged again for {seconds:g} s)",
                source=source,
                what=what,
                seconds=INTERVAL,
            )
