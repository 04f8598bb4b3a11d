"""The port that a failover pair needs, open to other racks before there is a pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IDelayedCall, IListeningPort
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.python.failure import Failure

from maasha.model.sighting import Peer, Watch
from maasha.rack.lookout import greeting
from maasha.rack.lookout.problems import Problems
from maasha.rack.lookout.proof import Parties
from maasha.rack.lookout.scene import Scene
from maasha.rack.lookout.words import DEADLINE, Words

MOST = 32
"""Connections at once; each ends within the deadline."""
ABOUT = "port"


class Answering(Words):
    """The listener's end of one connection; `peer` is None for somebody whom we do not expect."""

    def __init__(self, callers: Callers, peer: Peer | None) -> None:
        super().__init__(greeting.CALL_LENGTH)
        self._callers = callers
        self._peer = peer
        self._challenge = b""
        self._patience: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Greet a peer, and nobody else."""
        self._callers.connected.add(self)
        if self._peer is None or len(self._callers.connected) > MOST:
            self.cut_off()
            return
        self._patience = self._callers.scene.reactor.callLater(DEADLINE, self.cut_off)
        self._challenge = self._callers.scene.nonce()
        self.say(greeting.greet(self._challenge))

    def heard(self, word: bytes) -> int:
        """Answer a call that is proved."""
        watch, peer = self._callers.watch(), self._peer
        if peer is not None:
            parties = Parties(watch.vlan, peer.rack, watch.rack)
            answer = greeting.answer(watch.key, parties, self._challenge, word)
            if answer is None:
                self.cut_off()
            else:
                self.say(answer)
        return 0

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Forget it."""
        self._callers.connected.discard(self)
        if self._patience is not None and self._patience.active():
            self._patience.cancel()


class Callers(ServerFactory):
    """Those who are connected to the listener of a watch."""

    noisy = False

    def __init__(self, scene: Scene, watch: Callable[[], Watch]) -> None:
        self.scene = scene
        self.watch = watch
        self.connected: set[Answering] = set()

    def buildProtocol(self, addr: IAddress | None) -> Answering:
        """Take a connection; one that is turned away is cut off, and leaves nothing on the port."""
        return Answering(self, _at(self.watch().peers, getattr(addr, "host", "")))

    def cut_off(self) -> None:
        """End all connections at once."""
        for one in tuple(self.connected):
            one.cut_off()


class Listener:
    """The listener of a watch, on the watch's own address; open or closed."""

    def __init__(self, scene: Scene, watch: Callable[[], Watch], problems: Problems) -> None:
        self._scene = scene
        self._watch = watch
        self._problems = problems
        self._callers = Callers(scene, watch)
        self._port: IListeningPort | None = None

    @property
    def is_open(self) -> bool:
        """Whether anybody can call."""
        return self._port is not None

    def open(self) -> None:
        """Listen, if that is not done yet and the port can be had."""
        if self._port is not None:
            return
        own, port = str(self._watch().address), self._scene.port
        try:
            self._port = self._scene.reactor.listenTCP(port, self._callers, interface=own)
        except (CannotListenError, OSError) as error:  # the latter where it is bound and no more
            reason = getattr(error, "socketError", error)
            self._problems.met(ABOUT, f"no listener on {own}:{port}: {reason}")
        else:
            self._problems.solved(ABOUT)

    async def close(self) -> None:
        """Listen no more; ends when the port is free for dhcpd."""
        port, self._port = self._port, None
        self._callers.cut_off()
        if port is not None:
            await maybeDeferred(port.stopListening)


def _at(peers: Sequence[Peer], host: str) -> Peer | None:
    return next((peer for peer in peers if str(peer.address) == host), None)
