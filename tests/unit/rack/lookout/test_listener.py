"""A listener on TCP 647 answers its peers' proofs, and keeps nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, ServerFactory

from maasha.model.cluster import RackKey
from maasha.rack.lookout.calling import reaches
from maasha.rack.lookout.greeting import CALL_LENGTH, GREETING_LENGTH
from maasha.rack.lookout.listener import MOST, Listener
from maasha.rack.lookout.problems import Problems
from maasha.rack.lookout.words import DEADLINE, Words
from tests.unit.rack.lookout.segment import VLAN, Host, Segment
from tests.unit.rpc.parts import Peer, Wire, value_of


class Site:
    """A rack that listens, and another one that may call."""

    def __init__(self) -> None:
        self.segment = Segment()
        self.here, self.there = Host(self.segment, 1), Host(self.segment, 2)
        self.watch = self.here.watch(self.there)
        self.listener = Listener(self.here.scene, lambda: self.watch, Problems(VLAN))
        self.listener.open()
        self.factory = self.segment.listeners[self.here.address, 647]

    def connect(self, host: str = "10.0.0.2") -> Peer:
        """Let somebody connect who says nothing by himself."""
        peer = Peer()
        near, far = IPv4Address("TCP", host, 40000), IPv4Address("TCP", "10.0.0.1", 647)
        server: Any = self.factory.buildProtocol(near)
        self.segment.join(Wire(peer, False, near, far), Wire(server, True, far, near))
        self.segment.go()
        return peer

    def call(self, caller: Host | None = None, **changes: Any) -> bool:
        """Call the listener with a watch that differs from the right one."""
        host = caller or self.there
        watch = evolve(host.watch(self.here), **changes)
        calling = Deferred.fromCoroutine(reaches(host.scene, watch, watch.peers[0]))
        self.segment.go(2 * DEADLINE)
        return value_of(calling)


@pytest.fixture
def site() -> Site:
    """Give one."""
    return Site()


def test_a_peer_reaches_it(site: Site) -> None:
    """And leaves no connection behind."""
    assert site.call()
    assert site.factory.connected == set()  # type: ignore[attr-defined]


@pytest.mark.parametrize("changes", [{"key": "00"}, {"rack": RackKey(9)}, {"vlan": 6}])
def test_a_wrong_proof_is_cut_off(site: Site, changes: dict[str, Any]) -> None:
    """It is not told why."""
    assert not site.call(**changes)


def test_an_address_that_nobody_expects_is_cut_off(site: Site) -> None:
    """Before a word is said."""
    peer = site.connect("10.0.0.77")
    assert peer.heard == b""
    assert peer.ended.called


def test_who_says_too_much_is_cut_off(site: Site) -> None:
    """At the first byte that nobody asked for."""
    peer = site.connect()
    assert len(peer.heard) == GREETING_LENGTH
    assert peer.transport is not None
    peer.transport.write(bytes(CALL_LENGTH + 1))
    site.segment.go()
    assert peer.ended.called


def test_who_says_nothing_is_cut_off_in_time(site: Site) -> None:
    """The port is not held by silence."""
    peer = site.connect()
    site.segment.go(DEADLINE - 0.5)
    assert not peer.ended.called
    site.segment.go(1.0)
    assert peer.ended.called


def test_connections_are_counted(site: Site) -> None:
    """One too many is cut off, and the others stay."""
    peers = [site.connect() for _ in range(MOST + 1)]
    assert [peer.ended.called for peer in peers] == [False] * MOST + [True]


def test_closing_cuts_all_off(site: Site) -> None:
    """Nothing holds the port that dhcpd is to have."""
    peer = site.connect()
    closing = Deferred.fromCoroutine(site.listener.close())
    site.segment.go()
    value_of(closing)
    assert peer.ended.called
    assert not site.listener.is_open
    assert site.segment.listeners == {}


def test_a_listener_is_opened_once(site: Site) -> None:
    """However often it is told."""
    site.listener.open()
    assert site.listener.is_open


class Silent(Protocol):
    """As dhcpd: waits for the first word."""

    heard = 0

    def dataReceived(self, data: bytes) -> None:
        """Count."""
        Silent.heard += len(data)


class Chatty(Protocol):
    """Another service: greets in its own way."""

    def connectionMade(self) -> None:
        """Say so."""
        assert self.transport is not None
        self.transport.write(b"220 mail.example.com ESMTP".ljust(GREETING_LENGTH)[:GREETING_LENGTH])


class Hasty(Protocol):
    """Hangs up."""

    def connectionMade(self) -> None:
        """Say nothing."""
        assert self.transport is not None
        self.transport.loseConnection()


@pytest.mark.parametrize("other", [Silent, Chatty, Hasty])
def test_another_service_counts_for_nothing(site: Site, other: type[Protocol]) -> None:
    """And a dhcpd hears not one byte of ours."""
    site.segment.listeners[site.here.address, 647] = ServerFactory.forProtocol(other)
    assert not site.call()
    assert Silent.heard == 0


def test_an_answer_that_is_wrong_counts_for_nothing(site: Site) -> None:
    """Somebody who knows the greeting only."""

    class Impostor(Words):
        def __init__(self) -> None:
            super().__init__(CALL_LENGTH)

        def connectionMade(self) -> None:
            self.say(b"maasha\0\1" + bytes(16))

        def heard(self, word: bytes) -> int:
            self.say(word[-16:])
            return 0

    site.segment.listeners[site.here.address, 647] = Factory.forProtocol(Impostor)
    assert not site.call()


def test_words_do_nothing_without_a_connection() -> None:
    """A call may end before there is one."""
    words = Words(1)
    words.say(b"x")
    words.hang_up()
    words.cut_off()
    with pytest.raises(NotImplementedError):
        words.heard(b"x")
