"""Ethernet frames made and read by hand."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from lab.dhcp_wire import MAC, mac, mac_bytes
from lab.frames import (
    ARP,
    BROADCAST,
    ETHERNET,
    IPV4,
    Datagram,
    answer,
    asked_for,
    checksum,
    encode_datagram,
    parse_datagram,
)
from tests.lab.dhcp_strategies import ADDRESSES, MACS

DATAGRAMS = st.builds(
    Datagram,
    MACS,
    MACS,
    ADDRESSES,
    ADDRESSES,
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.binary(max_size=1400),
)

ASKER, OWNER = mac(0x020000000001), mac(0x020000000002)
THERE, HERE = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.50")


def arp_request(target: IPv4Address, operation: int = 1) -> bytes:
    """Make "who has `target`? tell 10.0.0.1"."""
    fields = (1, 0x0800, 6, 4, operation, mac_bytes(ASKER), THERE.packed, bytes(6), target.packed)
    return ETHERNET.pack(mac_bytes(BROADCAST), mac_bytes(ASKER), 0x0806) + ARP.pack(*fields)


def echo_request(payload: bytes) -> bytes:
    """Make a ping from 10.0.0.1 to 10.0.0.50."""
    body = bytes((8, 0)) + checksum(bytes((8, 0, 0, 0)) + payload).to_bytes(2, "big") + payload
    fields = (0x45, 0, IPV4.size + len(body), 0, 0, 64, 1)
    addresses = (THERE.packed, HERE.packed)
    total = checksum(IPV4.pack(*fields, 0, *addresses))
    header = IPV4.pack(*fields, total, *addresses)
    return ETHERNET.pack(mac_bytes(OWNER), mac_bytes(ASKER), 0x0800) + header + body


@given(DATAGRAMS)
def test_every_datagram_survives_the_wire(datagram: Datagram) -> None:
    """What is encoded is parsed to the same value; Ethernet's padding is no part of it."""
    frame = encode_datagram(datagram)
    assert parse_datagram(frame) == datagram
    assert parse_datagram(frame.ljust(60, b"\0")) == datagram


@given(DATAGRAMS)
def test_both_checksums_are_right(datagram: Datagram) -> None:
    """A receiver that sums header, or pseudo-header and segment, gets zero (RFC 791, 768)."""
    packet = encode_datagram(datagram)[ETHERNET.size :]
    segment = packet[IPV4.size :]
    pseudo = packet[12:20] + bytes((0, 17)) + len(segment).to_bytes(2, "big")
    assert checksum(packet[: IPV4.size]) == 0
    assert checksum(pseudo + segment) in (0, 0xFFFF)


def test_the_checksum_is_that_of_rfc_1071() -> None:
    """The RFC's own example sums to ddf2; the checksum is its complement."""
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@given(DATAGRAMS, st.data())
def test_a_damaged_header_is_no_datagram(datagram: Datagram, data: st.DataObject) -> None:
    """One changed byte of the IPv4 header makes it nothing."""
    frame = bytearray(encode_datagram(datagram))
    frame[data.draw(st.integers(14, 33))] ^= data.draw(st.integers(1, 255))
    assert parse_datagram(bytes(frame)) is None


@given(st.binary(max_size=100))
def test_garbage_raises_nothing(garbage: bytes) -> None:
    """Neither as datagram nor as probe."""
    parse_datagram(garbage)
    asked_for(garbage)


def test_an_arp_request_is_answered_by_the_owner() -> None:
    """The answer goes to the asker alone and has the owner's station and address (RFC 826)."""
    request = arp_request(HERE)
    assert asked_for(request) == HERE
    reply = answer(request, OWNER)
    assert (mac(reply[:6]), mac(reply[6:12])) == (ASKER, OWNER)
    _, _, _, _, operation, sender, address, target, wanted = ARP.unpack_from(reply, ETHERNET.size)
    assert (operation, mac(sender), IPv4Address(address)) == (2, OWNER, HERE)
    assert (mac(target), IPv4Address(wanted)) == (ASKER, THERE)


def test_an_arp_reply_asks_for_nothing() -> None:
    """Only requests are probes."""
    assert asked_for(arp_request(HERE, operation=2)) is None


@given(st.binary(min_size=4, max_size=64))
def test_a_ping_is_answered_with_what_it_brought(payload: bytes) -> None:
    """Addresses swapped, type 0, same data, right checksum (RFC 792)."""
    request = echo_request(payload)
    assert asked_for(request) == HERE
    reply = answer(request, MAC(OWNER))
    body = reply[ETHERNET.size + IPV4.size :]
    assert reply[26:34] == HERE.packed + THERE.packed
    assert (body[:2], body[4:]) == (bytes(2), payload)
    assert checksum(body) in (0, 0xFFFF)
    assert asked_for(reply) is None
