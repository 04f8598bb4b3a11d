"""A host that looks out, on real frames and TCP: one line of input is a question or an order.

`watch JSON` and `give up` are answered by `done`, `see` by the sightings and `problems` by them.
Arguments: seconds by which the host's clock is to be ahead.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import time
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.internet.stdio import StandardIO
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineOnlyReceiver

from maasha.host.clock import steady
from maasha.host.ether import PacketStation
from maasha.model.codec import from_json, to_json
from maasha.model.sighting import Sighting, Watch
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.lookout.proof import NONCE_LENGTH
from maasha.rack.lookout.scene import Scene

Watches = tuple[Watch, ...]
Sightings = tuple[Sighting, ...]


class Orders(LineOnlyReceiver):
    """Reads lines and answers each by one."""

    delimiter = b"\n"

    def __init__(self, lookout: Lookout) -> None:
        self._lookout = lookout

    def lineReceived(self, line: bytes) -> None:
        """Answer."""
        Deferred.fromCoroutine(self._answer(line.decode())).addErrback(self._failed)

    async def _answer(self, line: str) -> None:
        order, _, details = line.partition(" ")
        if order == "watch":
            await self._lookout.watch(from_json(Watches, details))
        elif order == "give":
            await self._lookout.give_up([post.watch.vlan for post in self._lookout.posts])
        self.sendLine(self._report(order).encode())

    def _report(self, order: str) -> str:
        if order == "see":
            return to_json(self._lookout.sightings)
        if order == "problems":
            return json.dumps([each for post in self._lookout.posts for each in post.problems])
        return "done"

    def _failed(self, failure: object) -> None:
        self.sendLine(f"failed: {failure}".replace("\n", " ").encode())


def main(ahead: float) -> None:
    """Look out until the end."""
    reactor: Any = EPollReactor()
    installReactor(reactor)
    steady(reactor)
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    scene = Scene(
        reactor,
        partial(PacketStation, reactor),
        lambda: time.time() + ahead,
        partial(secrets.token_bytes, NONCE_LENGTH),
        random.random,
    )
    lookout = Lookout(scene, frozenset, lambda: None)
    lookout.startService()
    StandardIO(Orders(lookout), reactor=reactor)
    reactor.run()


if __name__ == "__main__":
    main(float(sys.argv[1]))
