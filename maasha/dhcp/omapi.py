"""Asks a running dhcpd, over OMAPI, in which state its failover peers are."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import frozen
from pypureomapi import Omapi, OmapiError, OmapiMessage
from twisted.internet.defer import TimeoutError
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from maasha.dhcp.errors import OmapiSilent
from maasha.dhcp.reactor import IReactorDhcp
from maasha.dhcp.render import OMAPI_KEY, OMAPI_PORT
from maasha.model.dhcp import PeerState

HOST = "127.0.0.1"
SOCKET_TIMEOUT = 1.0
"""Seconds for one connect, send or receive; dhcpd answers in a millisecond."""
DEADLINE = 3.0
"""Seconds for the whole call, however many peers are asked for."""

NUMBERS = {
    1: PeerState.STARTUP,
    2: PeerState.NORMAL,
    3: PeerState.COMMUNICATIONS_INTERRUPTED,
    4: PeerState.PARTNER_DOWN,
    5: PeerState.POTENTIAL_CONFLICT,
    6: PeerState.RECOVER,
    7: PeerState.PAUSED,
    8: PeerState.SHUTDOWN,
    9: PeerState.RECOVER_DONE,
    10: PeerState.RESOLUTION_INTERRUPTED,
    11: PeerState.CONFLICT_DONE,
    254: PeerState.RECOVER_WAIT,
}
"""`enum failover_state` in dhcpd's includes/failover.h."""


@frozen
class PeerStates:
    """The state of one failover peer and of its partner, as dhcpd sees both."""

    name: str
    state: PeerState = PeerState.UNKNOWN
    partner: PeerState = PeerState.UNKNOWN


def peer_state(raw: bytes | None) -> PeerState:
    """Read a state as OMAPI carries it: four bytes, the highest first. Else UNKNOWN."""
    if raw is None or len(raw) != 4:
        return PeerState.UNKNOWN
    return NUMBERS.get(int.from_bytes(raw, "big"), PeerState.UNKNOWN)


async def peer_states(
    reactor: IReactorDhcp,
    pool: ThreadPool,
    secret: str,
    names: Sequence[str],
    port: int = OMAPI_PORT,
) -> tuple[PeerStates, ...]:
    """Ask for each of `names`, in order; raises OmapiSilent, within a deadline.

    An answer, even to no question, also means that dhcpd is past its start.
    """
    asked = deferToThreadPool(reactor, pool, _ask, secret.encode(), tuple(names), port)
    try:
        return await asked.addTimeout(DEADLINE, reactor)
    except TimeoutError as error:
        raise OmapiSilent(f"none within {DEADLINE} s") from error


def _ask(secret: bytes, names: tuple[str, ...], port: int) -> tuple[PeerStates, ...]:
    """Ask, blocking; every wait in here ends by the socket's timeout."""
    with conversation(secret, port) as omapi:
        return tuple(_state_of(omapi, name) for name in names)


@contextmanager
def conversation(secret: bytes, port: int) -> Iterator[Omapi]:
    """Connect, blocking, for as long as the block lasts; what goes wrong in it is OmapiSilent."""
    try:
        omapi = Omapi(HOST, port, OMAPI_KEY.encode(), secret, timeout=SOCKET_TIMEOUT)
        try:
            yield omapi
        finally:
            omapi.close()
    except (OSError, OmapiError, binascii.Error, AssertionError) as error:
        raise OmapiSilent(str(error) or type(error).__name__) from error


def _state_of(omapi: Omapi, name: str) -> PeerStates:
    question = OmapiMessage.open(b"failover-state")
    question.obj.append((b"name", name.encode()))
    found = dict(omapi.query_server(question).obj)
    return PeerStates(
        name, peer_state(found.get(b"local-state")), peer_state(found.get(b"partner-state"))
    )
