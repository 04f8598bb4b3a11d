"""Calls another rack on the port that a failover pair needs, before there is a pair."""

from __future__ import annotations

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError, ConnectingCancelledError
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure

from maasha.model.sighting import Peer, Watch
from maasha.rack.lookout import greeting
from maasha.rack.lookout.proof import Parties
from maasha.rack.lookout.scene import Scene
from maasha.rack.lookout.words import DEADLINE, Words


async def reaches(scene: Scene, watch: Watch, peer: Peer) -> bool:
    """Whether the peer's listener proves itself; the call comes from the watch's own address."""
    calling = Calling(watch.key, Parties(watch.vlan, watch.rack, peer.rack), scene.nonce())
    own = (str(watch.address), 0)
    endpoint = TCP4ClientEndpoint(scene.reactor, str(peer.address), scene.port, DEADLINE, own)
    try:
        await endpoint.connect(Factory.forProtocol(lambda: calling))
        return await calling.ended.addTimeout(DEADLINE, scene.reactor)
    except (ConnectError, ConnectingCancelledError, OSError, TimeoutError):
        return False
    finally:
        calling.hang_up()


class Calling(Words):
    """The caller's end."""

    def __init__(self, key: str, parties: Parties, nonce: bytes) -> None:
        super().__init__(greeting.GREETING_LENGTH)
        self._key = key
        self._parties = parties
        self._nonce = nonce
        self._challenge: bytes | None = None
        self.ended: Deferred[bool] = Deferred()
        """Fires with whether the right rack listens."""

    def heard(self, word: bytes) -> int:
        """Call whoever greets us, and judge the answer."""
        if self._challenge is not None:
            said = (self._challenge, self._nonce, word)
            self._end(greeting.is_answer(self._key, self._parties, *said))
            return 0
        self._challenge = greeting.challenge_in(word)
        if self._challenge is None:
            self._end(False)
            return 0
        self.say(greeting.call(self._key, self._parties, self._challenge, self._nonce))
        return greeting.ANSWER_LENGTH

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Know that nobody answers any more."""
        self._end(False)

    def _end(self, reached: bool) -> None:
        if not self.ended.called:
            self.ended.callback(reached)
