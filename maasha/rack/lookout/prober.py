"""Probes that a rack sends to all others on a VLAN, and its answers to theirs."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, field, frozen

from maasha.host.ether import BROADCAST, Frame, Station
from maasha.model.cluster import RackKey
from maasha.model.sighting import Peer, Watch
from maasha.rack.lookout.evidence import Exchange, exchange
from maasha.rack.lookout.probe import ALL, ETHERTYPE, Kind, Message, decode, encode
from maasha.rack.lookout.problems import Problems
from maasha.rack.lookout.scene import Scene

REMEMBERED = 4
"""Probes whose answers still count."""
ABOUT = "frames"


@frozen
class Sent:
    """A probe: when it left, by the steady clock and by the wall's, and whose answers came."""

    at: float
    time: float
    answered: set[RackKey] = field(factory=set)


class Prober:
    """Sends and hears on one interface; `answered` hears of each rack's answer to each probe.

    One that goes and comes back proves both ways. Where the interface is down or gone, the next
    probe tries to open it anew.
    """

    def __init__(
        self,
        scene: Scene,
        watch: Callable[[], Watch],
        problems: Problems,
        answered: Callable[[Peer, Exchange], None],
    ) -> None:
        self._scene = scene
        self._watch = watch
        self._problems = problems
        self._answered = answered
        self._station: Station | None = None
        self._sent: dict[bytes, Sent] = {}

    def probe(self) -> None:
        """Ask all who are there."""
        watch, nonce = self._watch(), self._scene.nonce()
        sent = self._sent[nonce] = Sent(self._scene.reactor.seconds(), self._scene.time())
        for forgotten in list(self._sent)[:-REMEMBERED]:
            del self._sent[forgotten]
        probe = Message(Kind.PROBE, watch.vlan, watch.rack, ALL, nonce, sent.time)
        try:
            if self._station is None:
                place = (watch.interface, ETHERTYPE)
                self._station = self._scene.open_station(*place, self._heard, self._lost)
            self._station.send(BROADCAST, encode(probe, watch.key))
        except OSError as error:
            self._lost(error)
        else:
            self._problems.solved(ABOUT)

    def close(self) -> None:
        """Hear no more."""
        station, self._station = self._station, None
        if station is not None:
            station.close()

    def _lost(self, error: OSError) -> None:
        self.close()
        self._problems.met(ABOUT, f"no frames on {self._watch().interface}: {error}")

    def _heard(self, frame: Frame) -> None:
        watch = self._watch()
        message = decode(frame.payload, watch.key)
        if message is None or message.vlan != watch.vlan:
            return
        peer = next((one for one in watch.peers if one.rack == message.sender), None)
        if peer is None:
            return
        if message.kind is Kind.PROBE:
            self._answer(message, frame.source)
        elif message.recipient == watch.rack:
            self._take(peer, message)

    def _answer(self, probe: Message, asker: bytes) -> None:
        watch = self._watch()
        answer = evolve(
            probe,
            kind=Kind.ANSWER,
            sender=watch.rack,
            recipient=probe.sender,
            clock=self._scene.time(),
        )
        try:
            if self._station is not None:
                self._station.send(asker, encode(answer, watch.key))
        except OSError as error:
            self._lost(error)

    def _take(self, peer: Peer, answer: Message) -> None:
        """Count an answer to a probe of ours, once."""
        sent, now = self._sent.get(answer.nonce), self._scene.reactor.seconds()
        if sent is not None and peer.rack not in sent.answered:
            sent.answered.add(peer.rack)
            self._answered(peer, exchange(now, now - sent.at, sent.time, answer.clock))
