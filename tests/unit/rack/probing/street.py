"""A VLAN in memory with DHCP servers and name servers on it, and what probes it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from lab import dhcp_wire
from lab.dhcp_wire import Kind, Message, Option
from maasha.host.ether import BROADCAST, Frame, Heard, Lost
from maasha.model.probe import Probe
from maasha.rack.probing.discover import IP, UDP
from maasha.rack.probing.instruments import PACE, Instruments, Pace
from tests.unit.rack.lookout.segment import VLAN, MemoryStation, Segment

OWN = IPv4Address("10.0.0.1")
CLIENT = "02:6d:61:61:73:68"
MAC = bytes.fromhex("020000000001")
PROBE = Probe(VLAN, "eth1", CLIENT, OWN)


def datagram(
    source: IPv4Address, message: bytes, ports: tuple[int, int] = (67, 68), head: int = IP.size
) -> bytes:
    """Give the payload of a frame with a message of a DHCP server."""
    udp = UDP.pack(*ports, UDP.size + len(message), 0)
    length = head + len(udp) + len(message)
    first, everywhere = 0x40 | head // 4, b"\xff" * 4
    ip = IP.pack(first, 0, length, 0, 0, 64, 17, 0, source.packed, everywhere).ljust(head, b"\0")
    return ip + udp + message


def offering(asked: Message, server: IPv4Address) -> Message:
    """Give a server's offer."""
    options = ((Option.SERVER_ID, server.packed), (Option.LEASE_TIME, bytes(3) + b"\x3c"))
    return evolve(asked, kind=Kind.OFFER, yiaddr=server + 100, options=options)


def said(payload: bytes) -> Message:
    """Read what the payload of a client's frame says."""
    message = dhcp_wire.parse(payload[IP.size + UDP.size :])
    assert message is not None
    return message


@define(eq=False)
class DhcpServer:
    """One that makes an offer to everybody; `late`: after so many seconds."""

    segment: Segment
    address: IPv4Address
    late: float = 0.0
    answers: bool = True
    asked: list[Message] = field(factory=list)
    station: MemoryStation = field(init=False)

    def __attrs_post_init__(self) -> None:
        mac = bytes(2) + self.address.packed
        self.station = MemoryStation(self.segment, mac, self._heard, lambda _: None)
        self.segment.stations.append(self.station)

    @property
    def mac(self) -> str:
        """Its station, for people."""
        return self.station.mac.hex(":")

    def _heard(self, frame: Frame) -> None:
        message = said(frame.payload)
        self.asked.append(message)
        if self.answers:
            offer = dhcp_wire.encode(offering(message, self.address))
            payload = datagram(self.address, offer)
            self.segment.clock.callLater(self.late, self.station.send, BROADCAST, payload)


@define(eq=False)
class Street:
    """The VLAN, and the instruments of a rack on it."""

    segment: Segment = field(factory=Segment)
    resolvers: set[IPv4Address] = field(factory=set)
    """Those that answer."""
    asked: list[tuple[IPv4Address, IPv4Address]] = field(factory=list)
    """Who was asked, and from where."""
    unasked: OSError | None = None
    """Why nobody can be asked."""
    stations: list[MemoryStation] = field(factory=list)
    """All that were ever opened."""
    patience: float = 0.5
    """Seconds that a question takes."""
    numbers: int = 0
    chance: float = 0.0

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self.segment.clock

    def instruments(self, pace: Pace = PACE) -> Instruments:
        """Give what probing needs."""
        chance: Callable[[], float] = lambda: self.chance  # noqa: E731
        return Instruments(self.clock, self._open, self._ask, chance, self._number, pace)

    def _open(self, interface: str, ethertype: int, heard: Heard, lost: Lost) -> MemoryStation:
        assert (interface, ethertype) == ("eth1", 0x0800)
        if self.segment.unopened is not None:
            raise self.segment.unopened
        station = MemoryStation(self.segment, MAC, heard, lost)
        self.segment.stations.append(station)
        self.stations.append(station)
        return station

    async def _ask(self, own: IPv4Address, server: IPv4Address) -> bool:
        if self.unasked is not None:
            raise self.unasked
        self.asked.append((own, server))
        waited: Deferred[None] = Deferred()
        self.clock.callLater(self.patience, waited.callback, None)
        await waited
        return server in self.resolvers

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers
