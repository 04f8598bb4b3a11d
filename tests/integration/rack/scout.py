"""A host that probes its VLANs in haste, on real frames and UDP: one line of input is one order.

`probe JSON` is answered by `done`, `see` by what was found, `often` by how many probes have ended.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.internet.stdio import StandardIO
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineOnlyReceiver

from maasha.host.clock import steady
from maasha.host.ether import Heard, Lost, PacketStation, Station
from maasha.model.codec import from_json, to_json
from maasha.model.probe import Finding, Probe
from maasha.rack.probing.discover import OFFERS_ONLY
from maasha.rack.probing.instruments import Instruments, Pace
from maasha.rack.probing.probing import Probing
from maasha.rack.probing.question import answers

HASTE = Pace(eager=0.2, steady=0.2, window=1.2, resolvers=0.5)
Probes = tuple[Probe, ...]
Findings = tuple[Finding, ...]


class Orders(LineOnlyReceiver):
    """Reads lines and answers each by one."""

    delimiter = b"\n"

    def __init__(self, probing: Probing, opened: list[object]) -> None:
        self._probing = probing
        self._opened = opened

    def lineReceived(self, line: bytes) -> None:
        """Answer."""
        order, _, details = line.decode().partition(" ")
        if order == "probe":
            self._probing.probe(from_json(Probes, details))
        self.sendLine(self._report(order).encode())

    def _report(self, order: str) -> str:
        if order == "see":
            return to_json(self._probing.findings)
        return str(len(self._opened)) if order == "often" else "done"


def main() -> None:
    """Probe until the end."""
    reactor: Any = EPollReactor()
    installReactor(reactor)
    steady(reactor)
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    opened: list[object] = []

    def open_station(interface: str, ethertype: int, heard: Heard, lost: Lost) -> Station:
        opened.append(interface)
        return PacketStation(reactor, interface, ethertype, heard, lost, OFFERS_ONLY)

    tools = Instruments(
        reactor,
        open_station,
        partial(answers, reactor, partial(random.getrandbits, 16)),
        random.random,
        partial(random.getrandbits, 32),
        HASTE,
    )
    probing = Probing(tools, lambda: None)
    probing.startService()
    StandardIO(Orders(probing, opened), reactor=reactor)
    reactor.run()


if __name__ == "__main__":
    main()
