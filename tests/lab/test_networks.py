"""Networks: what passes, and what is lost when a cable is broken."""

import attrs
import pytest

from lab import Host, HostProcess, Lab, Network, until

pytestmark = pytest.mark.root

LISTEN = """
import select
from lab.packets import arrived, packet_socket
packets = packet_socket("eth0")
print("ready", flush=True)
while True:
    select.select([packets], [], [])
    for frame in arrived(packets):
        if b"number " in frame:
            print(frame.partition(b"number ")[2].decode(), flush=True)
"""
"""Says the number in every datagram that a packet socket hears."""

SAY = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.sendto(b"number " + sys.argv[1].encode(), ("10.0.0.255", 9))
"""

SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
target, source = (bytes.fromhex(station.replace(":", "")) for station in sys.argv[1:3])
s.send(target + source + b"\\x88\\xb5number " + sys.argv[3].encode())
"""
"""Sends a number to one station, from a station, in a frame of an experimental type."""


@attrs.frozen
class Wire:
    """Hosts on a network; each listens with a packet socket, below any rule of its own."""

    lan: Network
    one: Host
    two: Host
    three: Host
    ears: dict[Host, HostProcess]

    @classmethod
    def lay(cls, lab: Lab) -> "Wire":
        """Make network and hosts."""
        lan = lab.network("lan", "10.0.0.0/24")
        one, two = lab.host("one", {lan: "10.0.0.1"}), lab.host("two", {lan: "10.0.0.2"})
        three = lab.host("three", {lan: "10.0.0.3"})
        wire = cls(lan, one, two, three, {})
        for host in (one, two, three):
            ear = host.converse(["python", "-c", LISTEN], log=host.directory / "log")
            assert ear.stdout.readline() == "ready\n"
            wire.ears[host] = ear
        return wire

    def say(self, speaker: Host, *numbers: int) -> None:
        """Broadcast numbers from a host."""
        for number in numbers:
            speaker.run(["python", "-c", SAY, str(number)])

    def send(self, speaker: Host, target: str, number: int, source: str | None = None) -> None:
        """Send a number from a host to one station only, as its own station unless told."""
        argv = [target, source or station(speaker), str(number)]
        speaker.run(["python", "-c", SEND, *argv])

    def next_heard(self, listener: Host) -> int:
        """Wait for the next number a host hears."""
        return int(self.ears[listener].stdout.readline())


@pytest.fixture
def wire(lab: Lab) -> Wire:
    """Give three hosts that hear each other."""
    return Wire.lay(lab)


def test_hosts_hear_each_other(wire: Wire) -> None:
    """In both directions, in order."""
    wire.say(wire.one, 1, 2)
    wire.say(wire.two, 3)
    assert [wire.next_heard(wire.two), wire.next_heard(wire.two)] == [1, 2]
    assert wire.next_heard(wire.one) == 3


def test_a_loss_from_a_host_is_silent_and_one_way(wire: Wire) -> None:
    """Nobody's packet socket hears the host, but the host hears the others."""
    cable = wire.lan.cable(wire.one)
    cable.drop("from_host")
    wire.say(wire.one, 1)
    wire.say(wire.two, 2)
    assert wire.next_heard(wire.one) == 2
    cable.heal()
    wire.say(wire.one, 3)
    assert wire.next_heard(wire.two) == 3, "the lost one comes never, not late"


def test_a_loss_to_a_host_is_silent_and_one_way(wire: Wire) -> None:
    """The host's packet socket hears nobody, but the others hear the host."""
    cable = wire.lan.cable("two")
    cable.drop("to_host")
    wire.say(wire.one, 1)
    wire.say(wire.two, 2)
    assert wire.next_heard(wire.one) == 2
    cable.heal()
    wire.say(wire.one, 3)
    assert wire.next_heard(wire.two) == 3


def test_both_directions_can_be_lost(wire: Wire) -> None:
    """One after the other; dropping twice and healing twice are harmless."""
    cable = wire.lan.cable(wire.two)
    for _ in range(2):
        cable.drop("from_host")
        cable.drop("to_host")
    wire.say(wire.one, 1)
    wire.say(wire.two, 2)
    for _ in range(2):
        cable.heal()
    wire.say(wire.one, 3)
    wire.say(wire.two, 4)
    assert (wire.next_heard(wire.two), wire.next_heard(wire.one)) == (3, 4)


def test_a_loss_keeps_the_carrier(wire: Wire) -> None:
    """The host cannot know."""
    wire.lan.cable(wire.one).drop("from_host")
    assert carrier(wire.one) == "1"


def test_a_cut_cable_takes_the_carrier(wire: Wire) -> None:
    """The host sees it at once, nothing passes, and restoring brings all back."""
    cable = wire.lan.cable(wire.two)
    cable.cut()
    assert carrier(wire.two) == "0"
    wire.say(wire.one, 1)
    cable.restore()
    until(lambda: carrier(wire.two) == "1", "the carrier", timeout=5.0)
    wire.say(wire.one, 2)
    assert wire.next_heard(wire.two) == 2


def test_frames_for_one_station_reach_no_other(wire: Wire) -> None:
    """Nor while their host is cut off: as with network cards that hear their own station only."""
    cable, target = wire.lan.cable(wire.two), station(wire.two)
    wire.send(wire.one, target, 1)
    assert wire.next_heard(wire.two) == 1
    cable.cut()
    wire.send(wire.one, target, 2)
    cable.restore()
    wire.send(wire.one, target, 3)
    assert wire.next_heard(wire.two) == 3
    wire.say(wire.one, 4)
    assert wire.next_heard(wire.three) == 4, "the first that it hears"


def test_a_station_is_where_it_was_heard(wire: Wire) -> None:
    """A host may call itself by other stations, as many simulated clients do."""
    made_up = "02:00:00:00:00:07"
    wire.send(wire.one, made_up, 1)
    wire.send(wire.two, station(wire.one), 2, source=made_up)
    assert wire.next_heard(wire.one) == 2
    wire.send(wire.one, made_up, 3)
    assert wire.next_heard(wire.two) == 3
    wire.say(wire.one, 4)
    assert wire.next_heard(wire.three) == 4


def test_an_address_outside_its_network_is_refused(lab: Lab) -> None:
    """With both named."""
    lan = lab.network("lan", "10.0.0.0/24")
    with pytest.raises(ValueError, match=r"10.0.1.1 is not in network lan, 10.0.0.0/24"):
        lab.host("one", {lan: "10.0.1.1"})


def test_a_host_without_an_address_says_so(lab: Lab) -> None:
    """Its cable is there, its address is not."""
    lan = lab.network("lan", "10.0.0.0/24")
    host = lab.host("one", {lan: None})
    assert lan.cable(host).interface == "eth0"
    with pytest.raises(ValueError, match="one was given no address on network lan"):
        lan.address(host)


def carrier(host: Host) -> str:
    """Return what the host's kernel says of eth0."""
    return host.run(["cat", "/sys/class/net/eth0/carrier"]).stdout.strip()


def station(host: Host) -> str:
    """Return the Ethernet address of the host's eth0."""
    return host.run(["cat", "/sys/class/net/eth0/address"]).stdout.strip()
