"""The last question before a rack depends on its peer, over loopback."""

from __future__ import annotations

from ipaddress import IPv4Address
from socket import AF_INET, SOCK_STREAM, socket

import pytest
from twisted.internet.threads import deferToThread

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.gate import reach
from maasha.model.dhcp import Duty, Role
from tests.unit.dhcp.real import asynchronous, reactor

ROLE = Role(Duty.PRIMARY, "f-1", IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2"))


@asynchronous
async def test_a_peer_that_listens_is_enough() -> None:
    """The connection comes from the rack's own address and is closed at once."""
    with socket(AF_INET, SOCK_STREAM) as sock:
        sock.bind(("127.0.0.2", 0))
        sock.listen()
        await reach(reactor, ROLE, sock.getsockname()[1])
        link, (host, _) = sock.accept()
        assert host == "127.0.0.1"
        assert await deferToThread(link.recv, 1) == b""
        link.close()


@asynchronous
async def test_a_peer_that_does_not_listen_is_refused_by_name() -> None:
    """The reason has both addresses and the port."""
    with socket(AF_INET, SOCK_STREAM) as sock:
        sock.bind(("127.0.0.2", 0))
        port = sock.getsockname()[1]
        with pytest.raises(PlanRefused) as refusal:
            await reach(reactor, ROLE, port)
    for word in ("127.0.0.2", "127.0.0.1", str(port), "let that port through"):
        assert word in refusal.value.reason
