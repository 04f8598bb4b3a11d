"""Workers take racks' links on ports of their own, found in order or fixed."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from maasha.config import RegiondSettings, parse_regiond
from maasha.region import listener
from maasha.region.listener import NoFreePort, candidates, limits_of, listen, serve
from maasha.region.sockets import BACKLOG, dual_stack
from maasha.rpc.gate import Limits
from maasha.rpc.pace import Pace

Hold = Callable[[int], socket.socket]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Hold sockets that are closed after the test."""
    held: list[socket.socket] = []

    def holding(port: int) -> socket.socket:
        held.append(dual_stack(port))
        return held[-1]

    yield holding
    for one in held:
        one.close()


def port_of(listening: socket.socket) -> int:
    """Give the port."""
    port: int = listening.getsockname()[1]
    return port


@pytest.fixture
def first(hold: Hold) -> int:
    """Give the first of four ports in a row that nobody listens on."""
    while True:
        start = port_of(hold(0)) + 1
        try:
            for port in range(start, start + 4):
                dual_stack(port).close()
        except (OSError, OverflowError):
            continue
        return start


def test_the_own_port_comes_first() -> None:
    """Then all others upwards, each once."""
    assert list(candidates(5250, 5254, 2, fixed=False)) == [5252, 5250, 5251, 5253, 5254]


def test_a_fixed_port_is_the_only_one() -> None:
    """What is advertised behind NAT is not searched for."""
    assert list(candidates(5250, 5270, 2, fixed=True)) == [5252]


def test_a_worker_listens_on_its_own_port(first: int) -> None:
    """Worker i on the first port + i."""
    with listen(first, first + 3, 2, fixed=False) as listening:
        assert port_of(listening) == first + 2


def test_a_taken_port_is_passed_over(first: int, hold: Hold) -> None:
    """Another region on the same host does no harm."""
    hold(first)
    with listen(first, first + 3, 0, fixed=False) as listening:
        assert port_of(listening) == first + 1


def test_all_ports_taken_is_named_with_its_mend(first: int, hold: Hold) -> None:
    """The error says which ports, and what to write where."""
    for port in (first, first + 1):
        hold(port)
    with pytest.raises(NoFreePort, match="widen rpc_first_port") as caught:
        listen(first, first + 1, 1, fixed=False)
    assert (caught.value.first, caught.value.last) == (first, first + 1)


def test_a_fixed_port_that_is_taken_is_the_end(first: int, hold: Hold) -> None:
    """Its neighbours are not tried."""
    hold(first + 1)
    with pytest.raises(NoFreePort) as caught:
        listen(first, first + 3, 1, fixed=True)
    assert (caught.value.first, caught.value.last) == (first + 1, first + 1)


def test_any_other_error_is_no_taken_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised as it is, for no other port would do better."""

    def refuse(_: int) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(listener, "dual_stack", refuse)
    with pytest.raises(PermissionError):
        listen(1, 2, 0, fixed=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_both_families_reach_one_socket(hold: Hold, address: str) -> None:
    """It does not block, so that several processes can share it."""
    listening = hold(0)
    with socket.create_connection((address, port_of(listening)), timeout=5):
        taken, _ = listening.accept()
        taken.close()
    assert not listening.getblocking()


def test_a_host_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel started with ipv6.disable=1 is a host like any other."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with dual_stack(0) as listening:
        assert listening.family == socket.AF_INET


def test_a_thousand_racks_find_room_to_wait() -> None:
    """A shorter backlog would cost those who do not fit a second each (measured)."""
    assert BACKLOG >= 1024


class Counting(Factory):
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.made: list[Protocol] = []

    def buildProtocol(self, _: IAddress | None) -> Protocol:
        """Make one."""
        self.made.append(Protocol())
        return self.made[-1]

    def end(self) -> None:
        """End all connections."""
        for one in self.made:
            assert one.transport is not None
            one.transport.abortConnection()  # type: ignore[attr-defined]  # TCP


def knocks(stack: ExitStack, listening: socket.socket, count: int) -> None:
    """Have so many newcomers wait in the kernel."""
    for _ in range(count):
        near = socket.create_connection(("127.0.0.1", port_of(listening)), timeout=5)
        stack.enter_context(near)


def test_newcomers_come_in_when_those_before_have_had_their_turn(hold: Hold) -> None:
    """They wait in the kernel, a few come in at a time, and nobody asks for more meanwhile."""
    listening, reactor, counting = hold(0), MemoryReactorClock(), Counting()
    pace, seen = Pace(reactor, share=0.0), list[int]()
    with ExitStack() as clients:
        knocks(clients, listening, 5)
        serve(reactor, listening, counting, pace)
        (port,) = reactor.getReaders()
        for _ in range(4):
            pace.add(lambda: seen.append(len(counting.made)))
            port.doRead()
            assert port not in reactor.getReaders()
            reactor.advance(0)
            assert port in reactor.getReaders()
        assert seen == [0, 2, 4, 5]
        counting.end()
        reactor.advance(0)
        port.connectionLost(Failure(ConnectionDone()))


def test_a_port_that_was_closed_lets_nobody_in(hold: Hold) -> None:
    """Who was to come in with the next turn is left to the kernel."""
    listening, reactor, counting = hold(0), MemoryReactorClock(), Counting()
    with ExitStack() as clients:
        knocks(clients, listening, 1)
        serve(reactor, listening, counting, Pace(reactor))
        (port,) = reactor.getReaders()
        port.doRead()
        port.stopListening()
        reactor.advance(0)
        assert counting.made == []
        assert port not in reactor.getReaders()


def test_the_limits_of_the_file_are_those_of_the_gate() -> None:
    """What regiond.conf does not say is what a gate does by itself."""
    assert limits_of(RegiondSettings()) == Limits()
    said = "rpc_unproved: 9\nrpc_unproved_per_source: 3\nrpc_rate_per_source: 2\n"
    assert limits_of(parse_regiond(said)) == Limits(9, 3, 2.0)
