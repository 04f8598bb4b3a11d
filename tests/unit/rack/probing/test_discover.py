"""A question to all DHCP servers is well-formed, and only their offers are answers."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lab import dhcp_wire
from lab.dhcp_wire import MAC, Kind, Message, Option
from maasha.rack.probing.discover import IP, UDP, Client, Offer, discover, offer
from tests.unit.rack.probing.street import CLIENT, datagram, offering, said

SERVER = IPv4Address("192.0.2.7")
US = Client(bytes.fromhex(CLIENT.replace(":", "")), 0xDEADBEEF)
ASKED = said(discover(US))
OFFERED = offering(ASKED, SERVER)


def heard(message: Message, source: IPv4Address = SERVER) -> Offer | None:
    """Read a server's message."""
    return offer(datagram(source, dhcp_wire.encode(message)), US)


def ones_complement(data: bytes) -> int:
    """Give the sum that is all ones where the checksum in the data is right."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return total % 0xFFFF


def test_it_is_a_clients_discover() -> None:
    """Of a client with an address of its own, long waited for, to be answered to all."""
    assert (ASKED.kind, ASKED.xid, ASKED.chaddr) == (Kind.DISCOVER, 0xDEADBEEF, MAC(CLIENT))
    assert ASKED.broadcast
    assert ASKED.secs > 3
    assert ASKED.option(Option.CLASS_ID) == b"maasha-probe"
    assert ASKED.requested is None


def test_its_checksums_are_right() -> None:
    """Of the IP header, and of the datagram with its pseudo header; it comes from no address."""
    payload = discover(US)
    head, datagram = payload[: IP.size], payload[IP.size :]
    assert len(payload) == IP.unpack(head)[2]
    assert ones_complement(head) == 0
    pseudo = head[12:20] + bytes((0, 17)) + struct.pack("!H", len(datagram))
    assert ones_complement(pseudo + datagram) == 0
    assert head[12:20] == bytes(4) + b"\xff" * 4
    assert UDP.unpack_from(datagram)[:3] == (68, 67, len(datagram))


@given(st.integers(0, 2**32 - 1))
def test_every_checksum_is_right(xid: int) -> None:
    """Also where the sum has carries, or would be zero."""
    payload = discover(Client(US.mac, xid))
    datagram = payload[IP.size :]
    pseudo = payload[12:20] + bytes((0, 17)) + struct.pack("!H", len(datagram))
    assert ones_complement(pseudo + datagram) == 0
    assert UDP.unpack_from(datagram)[3] != 0


def test_an_offer_names_its_server() -> None:
    """Whom a relay's address hides; one that does not say is where its offer comes from."""
    assert heard(OFFERED, IPv4Address("192.0.2.1")) == Offer(SERVER)
    nameless = evolve(OFFERED, options=((Option.SERVER_ID, b"\1\2"),))
    assert heard(nameless, IPv4Address("192.0.2.1")) == Offer(IPv4Address("192.0.2.1"))


@pytest.mark.parametrize(
    "other",
    [
        evolve(OFFERED, kind=Kind.ACK),
        evolve(OFFERED, kind=Kind.DISCOVER),
        evolve(OFFERED, xid=7),
        evolve(OFFERED, chaddr=MAC("02:00:00:00:00:09")),
    ],
)
def test_what_is_said_to_others_is_no_offer(other: Message) -> None:
    """Another kind of message, or to another client."""
    assert heard(other) is None


def test_other_datagrams_are_none() -> None:
    """To other ports, fragments, another protocol, IPv6, another cookie, nothing at all."""
    message = dhcp_wire.encode(OFFERED)
    whole = datagram(SERVER, message)
    assert offer(whole, US) == Offer(SERVER)
    assert offer(datagram(SERVER, message, head=24), US) == Offer(SERVER)
    assert offer(whole + bytes(20), US) == Offer(SERVER)
    assert offer(datagram(SERVER, message, (67, 67)), US) is None
    assert offer(datagram(SERVER, message.replace(dhcp_wire.COOKIE, b"\1\2\3\4")), US) is None
    assert offer(datagram(SERVER, message[:200]), US) is None
    for at, value in ((0, b"\x65"), (0, b"\x44"), (7, b"\1"), (9, b"\6"), (2, b"\0\x10")):
        assert offer(whole[:at] + value + whole[at + len(value) :], US) is None
    assert offer(b"", US) is None


@pytest.mark.parametrize("cut", [b"\x35", b"\x35\x02\x02", b"\0\0\x36\x04\x01"])
def test_options_that_are_cut_off_say_nothing(cut: bytes) -> None:
    """What is whole before them counts."""
    message = dhcp_wire.encode(OFFERED)[:240]
    assert offer(datagram(SERVER, message + cut), US) is None
    typed = message + bytes((Option.MESSAGE_TYPE, 1, Kind.OFFER)) + cut
    assert offer(datagram(SERVER, typed), US) == Offer(SERVER)


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_bytes_do_harm(noise: bytes, at: int) -> None:
    """Alone, or in the middle of an offer."""
    offer(noise, US)
    whole = datagram(SERVER, dhcp_wire.encode(OFFERED))
    offer(whole[:at] + noise, US)
