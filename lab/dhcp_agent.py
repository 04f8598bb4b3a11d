"""Simulated DHCP clients inside a host: errands come in on stdin and results go out on stdout.

Started by `lab.dhcp_client` as `python -m lab.dhcp_agent eth0`.  Each line is JSON:

    in   {"number": 7, "errand": {"wish": "acquire", "chaddr": "02:…", …}}
    out  {"number": 7, "lease": {…}}            the ACK, or null after a release
         {"number": 7, "failed": {…}}           the fields of `NoLease`
         {"ready": "eth0"}                      once, at the start
"""

import json
import random
import socket
import sys
import time
from collections.abc import Iterator

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import installReactor
from twisted.internet.protocol import connectionDone
from twisted.internet.stdio import StandardIO
from twisted.logger import Logger, globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from lab.dhcp_exchange import Client, Segment
from lab.lease import Errand, Lease, NoLease
from lab.packets import arrived, packet_socket

log = Logger()

LONGEST_LINE = 1 << 20


@implementer(IReadDescriptor)
class Reader:
    """Feeds the segment with frames from a packet socket."""

    def __init__(self, opened: socket.socket, segment: Segment) -> None:
        self._socket = opened
        self._segment = segment

    def fileno(self) -> int:
        """Return the descriptor the reactor waits on."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Name this reader in Twisted's log."""
        return "packets"

    def doRead(self) -> None:
        """Take every frame that has arrived."""
        for frame in arrived(self._socket):
            self._segment.received(frame)

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002 - Twisted's
        """Close the socket when the reactor stops."""
        self._socket.close()


class Desk(LineOnlyReceiver):
    """Takes errands and hands out results; the end of stdin ends the program."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST_LINE

    def __init__(self, segment: Segment, xids: Iterator[int], reactor: EPollReactor) -> None:
        self._segment = segment
        self._xids = xids
        self._reactor = reactor

    def lineReceived(self, line: bytes) -> None:
        """Start an errand; its result is sent when it is there."""
        entry = json.loads(line)
        errand = Errand.from_json(entry["errand"])
        running = Deferred.fromCoroutine(self._run(entry["number"], errand))
        running.addErrback(lambda reason: log.failure("errand failed", reason))

    async def _run(self, number: int, errand: Errand) -> None:
        try:
            lease = await Client(self._segment, errand, self._xids).run()
        except NoLease as failure:
            self.tell(number=number, failed=attrs.asdict(failure))
        else:
            self.tell(number=number, lease=_entry(lease))

    def tell(self, **entry: object) -> None:
        """Send one line."""
        self.sendLine(json.dumps(entry).encode())

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002 - Twisted's
        """End with the caller."""
        if self._reactor.running:
            self._reactor.stop()


def _entry(lease: Lease | None) -> dict[str, object] | None:
    return None if lease is None else lease.to_json()


def transaction_ids() -> Iterator[int]:
    """Yield random numbers of 32 bits."""
    while True:
        yield random.getrandbits(32)


def main(interface: str) -> None:
    """Serve until stdin ends."""
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)])
    reactor = EPollReactor()
    installReactor(reactor)
    packets = packet_socket(interface)

    def send(frame: bytes) -> None:
        try:
            packets.send(frame)
        except OSError as error:  # the cable is cut: frames are lost, as on any Ethernet
            log.info("frame lost: {error}", error=error)

    segment = Segment(send, reactor, time.monotonic, time.time)
    reactor.addReader(Reader(packets, segment))
    desk = Desk(segment, transaction_ids(), reactor)
    StandardIO(desk, reactor=reactor)
    desk.tell(ready=interface)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
