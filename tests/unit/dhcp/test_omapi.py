"""Asking over OMAPI, with a listener that is no dhcpd; the real one is in the integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from socket import AF_INET, SOCK_STREAM, socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.python.threadpool import ThreadPool

from maasha.dhcp import omapi as module
from maasha.dhcp.errors import OmapiSilent
from maasha.dhcp.omapi import NUMBERS, peer_state, peer_states
from maasha.model.dhcp import PeerState
from tests.unit.dhcp.real import asynchronous, reactor


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    """Give threads of our own."""
    pool = ThreadPool(0, 1)
    pool.start()
    yield pool
    pool.stop()


@pytest.fixture
def listener() -> Iterator[socket]:
    """Give a TCP port that takes connections and says nothing."""
    with socket(AF_INET, SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock


def test_every_state_has_its_number() -> None:
    """Only UNKNOWN has none, which dhcpd numbers 0."""
    assert set(NUMBERS.values()) | {PeerState.UNKNOWN} == set(PeerState)
    assert peer_state(b"\0\0\0\xfe") is PeerState.RECOVER_WAIT
    assert peer_state(b"\0\0\0\x02") is PeerState.NORMAL


@given(st.none() | st.binary(max_size=6))
def test_garbage_is_unknown(raw: bytes | None) -> None:
    """A state is four bytes with a number that dhcpd has."""
    known = raw is not None and len(raw) == 4 and int.from_bytes(raw, "big") in NUMBERS
    assert (peer_state(raw) is not PeerState.UNKNOWN) == known


@asynchronous
async def test_nobody_answers_on_a_closed_port(pool: ThreadPool, listener: socket) -> None:
    """A refused connection is a silence."""
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(OmapiSilent, match="refused"):
        await peer_states(reactor, pool, "c2VjcmV0", (), port)


@asynchronous
@pytest.mark.parametrize("limit", ["SOCKET_TIMEOUT", "DEADLINE"])
async def test_a_question_ends(
    pool: ThreadPool, listener: socket, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Neither a mute server nor a slow one keeps the caller waiting."""
    monkeypatch.setattr(module, "SOCKET_TIMEOUT", 0.3)
    monkeypatch.setattr(module, limit, 0.1)
    with pytest.raises(OmapiSilent):
        await peer_states(reactor, pool, "c2VjcmV0", (), listener.getsockname()[1])


@asynchronous
async def test_a_key_that_is_no_key_is_a_silence(pool: ThreadPool, listener: socket) -> None:
    """Base64 that cannot be read asks nobody anything."""
    with pytest.raises(OmapiSilent):
        await peer_states(reactor, pool, "x", (), listener.getsockname()[1])
