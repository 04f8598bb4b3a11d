"""Stations hear frames of one EtherType, for them or for all, until the interface is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest
from twisted.internet import reactor as global_reactor
from twisted.logger import globalLogPublisher

from lab.testing import require
from maasha.host.ether import BROADCAST, SHORTEST, Frame, PacketStation
from maasha.rack.probing.discover import ETHERTYPE as IPV4
from maasha.rack.probing.discover import OFFERS_ONLY
from tests.asynchronous import asynchronous
from tests.integration.dhcp.wire import Link, link
from tests.integration.rack.regions import until
from tests.unit.rack.probing.street import datagram
from tests.unit.rpc.parts import Listener

__all__ = ["link"]

pytestmark = pytest.mark.root
reactor: Any = global_reactor  # its type depends on the platform
ETHERTYPE, TAGGED = 0x88B5, 0x8100
SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for frame in sys.argv[2:]:
    s.send(bytes.fromhex(frame))
"""
"""Sends frames on an interface."""
SERVER = IPv4Address("10.77.0.2")
DATAGRAMS = {b"to a server": (68, 67), b"a question": (40000, 53), b"to a relay": (67, 67)}
"""Words that are for others, and the ports that they go from and to."""
SOMEBODY = bytes.fromhex("020000000099")


class Ear:
    """A station here, and what came of it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.heard: list[Frame] = []
        self.lost: list[OSError] = []
        self.station = PacketStation(reactor, "eth0", ETHERTYPE, self.hear, self.lost.append)

    def hear(self, frame: Frame) -> None:
        """Note it; one word does harm."""
        self.heard.append(frame)
        if frame.payload.startswith(b"harm"):
            raise ValueError("harm")

    @property
    def words(self) -> list[bytes]:
        """What was heard, without what filled it up."""
        return [frame.payload.rstrip(b"\0") for frame in self.heard]

    def send(self, *frames: tuple[bytes, bytes], kind: int = ETHERTYPE) -> None:
        """Send words to stations from the other end."""
        sent = [Frame(SOMEBODY, target, word).written(kind).hex() for target, word in frames]
        program = self._link.over_there(sys.executable, "-c", SEND, "eth0", *sent)
        subprocess.run(program, check=True, timeout=20)


@pytest.fixture(autouse=True)
def able() -> None:
    """Look at the machine first."""
    require()


@pytest.fixture
def ear(link: Link) -> Iterator[Ear]:
    """Give one."""
    made = Ear(link)
    yield made
    made.station.close()


@asynchronous
async def test_who_is_meant_hears(ear: Ear) -> None:
    """All, or this station; not what is for another one, or of another kind."""
    ear.send((SOMEBODY, b"theirs"), (ear.station.mac, b"ours"))
    ear.send((BROADCAST, b"another kind"), kind=0x88B6)
    ear.send((BROADCAST, b"all"))
    await until(lambda: b"all" in ear.words)
    assert ear.words == [b"ours", b"all"]
    assert ear.heard[-1].source == SOMEBODY
    assert len(ear.heard[-1].payload) == SHORTEST - 14


@asynchronous
async def test_a_vlan_that_is_not_ours_is_not_heard(ear: Ear) -> None:
    """The tag of a trunk's VLAN, for which there is no interface here, makes it another network."""
    tag = (10).to_bytes(2, "big") + ETHERTYPE.to_bytes(2, "big")
    ear.send((BROADCAST, tag + b"tagged"), kind=TAGGED)
    ear.send((BROADCAST, b"untagged"))
    await until(lambda: b"untagged" in ear.words)
    assert ear.words == [b"untagged"]


@asynchronous
async def test_a_frame_that_does_harm_is_one_frame(ear: Ear) -> None:
    """It is in the log, and the next one is heard."""
    log = Listener()
    globalLogPublisher.addObserver(log)
    ear.send((BROADCAST, b"harm"), (BROADCAST, b"next"))
    await until(lambda: b"next" in ear.words)
    globalLogPublisher.removeObserver(log)
    assert [str(error) for error in log.failures] == ["harm"]


@asynchronous
async def test_a_closed_station_hears_nothing(ear: Ear) -> None:
    """Not even what has arrived already; closing it again does nothing."""
    ear.send((BROADCAST, b"one"), (BROADCAST, b"two"))
    ear.station.close()
    ear.station.close()
    other = PacketStation(reactor, "eth0", ETHERTYPE, ear.heard.append, ear.lost.append)
    ear.send((BROADCAST, b"three"))
    await until(lambda: b"three" in ear.words)
    other.close()
    assert ear.words == [b"three"]


@pytest.mark.parametrize("command", ["link set eth0 down", "link delete eth0"])
@asynchronous
async def test_an_interface_that_goes_is_lost_once(ear: Ear, command: str) -> None:
    """The station is closed then; sending says so too."""
    subprocess.run(["ip", *command.split()], check=True, timeout=20)
    await until(lambda: ear.lost)
    assert len(ear.lost) == 1
    assert ear.station.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        ear.station.send(BROADCAST, b"nobody")


def test_an_interface_that_is_not_there_cannot_be_opened(ear: Ear) -> None:
    """And leaves no descriptor."""
    with pytest.raises(OSError, match="No such device"):
        PacketStation(reactor, "eth7", ETHERTYPE, ear.hear, ear.lost.append)


@asynchronous
async def test_a_filtered_station_hears_answers_to_dhcp_clients_only(link: Link) -> None:
    """Other datagrams, the rest of fragments and other protocols stay in the kernel."""
    heard: list[Frame] = []
    station = PacketStation(
        reactor, "eth0", IPV4, heard.append, list[OSError]().append, OFFERS_ONLY
    )
    words = [datagram(SERVER, word, ports) for word, ports in DATAGRAMS.items()]
    answer, with_options = datagram(SERVER, b"answer"), datagram(SERVER, b"last", head=24)
    tcp, fragment = (answer[:at] + byte + answer[at + 1 :] for at, byte in ((9, b"\6"), (7, b"\1")))
    sent = [Frame(SOMEBODY, BROADCAST, each) for each in (*words, tcp, fragment, answer)]
    frames = [*sent, Frame(SOMEBODY, BROADCAST, with_options)]
    over_there = link.over_there(
        sys.executable, "-c", SEND, "eth0", *[each.written(IPV4).hex() for each in frames]
    )
    subprocess.run(over_there, check=True, timeout=20)
    await until(lambda: any(b"last" in frame.payload for frame in heard))
    station.close()
    assert [frame.payload[: len(answer)] for frame in heard[:-1]] == [answer]
