"""What arbitrary bytes must not do to a region, each as a function that raises if they do.

The first byte of a case says into how long pieces the rest is cut, for a network may cut anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.protocols import amp

from maasha.rpc.ground import Ground
from maasha.rpc.protocol import Link
from maasha.rpc.region_side import Desk as Locator
from tests.unit.rpc.parts import Desk, House, Line, Listener, Peer, house

PATIENCE = 6.0
"""Seconds after which a stranger is gone, whatever it sent."""
LONGEST_ANSWER = 64 * 1024
"""Bytes; a stranger's 4 KiB hold fewer than a hundred questions, each answered with an error."""


def pieces(case: bytes) -> Iterator[bytes]:
    """Cut a case."""
    length = case[0] + 1 if case else 1
    for start in range(1, len(case), length):
        yield case[start : start + length]


@contextmanager
def quiet_log() -> Iterator[None]:
    """Let nothing be logged as a failure."""
    listener = Listener()
    globalLogPublisher.addObserver(listener)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(listener)
    assert not listener.failures, listener.failures


def send(line: Line, case: bytes) -> None:
    """Send a case piece by piece."""
    for piece in pieces(case):
        line.near.write(piece)
        line.clock.advance(0)
        line.pump.flush()


def stranger(case: bytes, *, tls: bool = False) -> None:
    """Let a stranger talk: it is never let in, costs little, and is gone in time."""
    home, peer = house(tls=tls), Peer()
    with quiet_log():
        home.line.attach(peer)
        send(home.line, case)
        home.line.advance(PATIENCE, 0.5)
    assert home.line.distant.disconnected
    assert len(peer.heard) <= LONGEST_ANSWER
    assert home.door.seen == []
    nothing_remains(home)


def nothing_remains(home: House) -> None:
    """Look whether the end of a connection was the end of what it cost."""
    assert not home.clock.getDelayedCalls()
    assert not home.factory.porter._gate._unproved


def stranger_tls(case: bytes) -> None:
    """Let one talk to TLS."""
    stranger(case, tls=True)


def trusted(case: bytes) -> None:
    """Let a rack that has proved the secret talk nonsense: it is hung up on at worst."""
    clock, peer = Clock(), Peer()
    link = Link(Ground(clock), lambda _: amp.CommandLocator())
    line = Line(link, clock)
    with quiet_log():
        line.attach(peer)
        link.trust(Locator(Desk(), link))
        send(line, case)
        line.advance(PATIENCE, 0.5)
    assert line.distant.disconnected  # it answers no heartbeat
    assert not clock.getDelayedCalls()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "stranger": stranger,
    "stranger_tls": stranger_tls,
    "trusted": trusted,
}
