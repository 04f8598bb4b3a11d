"""Ethernet frames a DHCP client must make and read itself: UDP in IPv4, and the answers to probes.

RFC 791 (IPv4), 768 (UDP), 792 (echo), 826 (ARP).  A received UDP checksum is not verified: a frame
that a kernel sent over a veth carries an unfinished one.
"""

import struct
from ipaddress import IPv4Address

import attrs

from lab.dhcp_wire import MAC, mac, mac_bytes

BROADCAST = MAC("ff:ff:ff:ff:ff:ff")

ETHERNET = struct.Struct("!6s6sH")
IPV4 = struct.Struct("!BBHHHBBH4s4s")
UDP = struct.Struct("!HHHH")
ARP = struct.Struct("!HHBBH6s4s6s4s")
ETHERTYPE_IPV4, ETHERTYPE_ARP = 0x0800, 0x0806
PROTOCOL_ICMP, PROTOCOL_UDP = 1, 17
TTL = 64


@attrs.frozen
class Datagram:
    """A UDP datagram and the stations it goes between."""

    source_mac: MAC
    target_mac: MAC
    source: IPv4Address
    target: IPv4Address
    source_port: int
    target_port: int
    payload: bytes


def checksum(data: bytes) -> int:
    """Return the internet checksum, RFC 1071."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encode_datagram(datagram: Datagram) -> bytes:
    """Return the whole Ethernet frame, with both checksums."""
    length = UDP.size + len(datagram.payload)
    ports = (datagram.source_port, datagram.target_port)
    addresses = datagram.source.packed + datagram.target.packed
    pseudo = addresses + struct.pack("!BBH", 0, PROTOCOL_UDP, length)
    total = checksum(pseudo + UDP.pack(*ports, length, 0) + datagram.payload) or 0xFFFF
    segment = UDP.pack(*ports, length, total) + datagram.payload
    packet = _ipv4_header(PROTOCOL_UDP, datagram.source, datagram.target, segment) + segment
    return _ethernet(datagram.source_mac, datagram.target_mac, ETHERTYPE_IPV4) + packet


def parse_datagram(frame: bytes) -> Datagram | None:
    """Read a frame; None when it is not one whole UDP datagram."""
    packet = _ipv4_payload(frame, PROTOCOL_UDP)
    if packet is None or len(packet) < UDP.size:
        return None
    source_port, target_port, length, _ = UDP.unpack_from(packet)
    if not UDP.size <= length <= len(packet):
        return None
    payload = packet[UDP.size : length]
    source, target = _addresses(frame)
    return Datagram(
        mac(frame[6:12]), mac(frame[:6]), source, target, source_port, target_port, payload
    )


def asked_for(frame: bytes) -> IPv4Address | None:
    """Return the address an ARP request looks for, or an echo request is sent to."""
    if frame[12:14] == ETHERTYPE_ARP.to_bytes(2, "big") and len(frame) >= ETHERNET.size + ARP.size:
        fields = ARP.unpack_from(frame, ETHERNET.size)
        return IPv4Address(fields[8]) if fields[4] == 1 else None
    echo = _ipv4_payload(frame, PROTOCOL_ICMP)
    return _addresses(frame)[1] if echo is not None and echo[:1] == b"\x08" else None


def answer(frame: bytes, owner: MAC) -> bytes:
    """Return the frame by which `owner` says that it is there; `frame` is one `asked_for` knows."""
    asker = mac(frame[6:12])
    if frame[12:14] == ETHERTYPE_ARP.to_bytes(2, "big"):
        fields = ARP.unpack_from(frame, ETHERNET.size)
        reply = ARP.pack(*fields[:4], 2, mac_bytes(owner), fields[8], fields[5], fields[6])
        return _ethernet(owner, asker, ETHERTYPE_ARP) + reply
    echo = _ipv4_payload(frame, PROTOCOL_ICMP) or b""
    source, target = _addresses(frame)
    total = checksum(bytes(4) + echo[4:]).to_bytes(2, "big")
    body = bytes(2) + total + echo[4:]
    header = _ipv4_header(PROTOCOL_ICMP, target, source, body)
    return _ethernet(owner, asker, ETHERTYPE_IPV4) + header + body


def _ethernet(source: MAC, target: MAC, kind: int) -> bytes:
    return ETHERNET.pack(mac_bytes(target), mac_bytes(source), kind)


def _ipv4_header(protocol: int, source: IPv4Address, target: IPv4Address, body: bytes) -> bytes:
    fields = (0x45, 0x10, IPV4.size + len(body), 0, 0, TTL, protocol)
    addresses = (source.packed, target.packed)
    total = checksum(IPV4.pack(*fields, 0, *addresses))
    return IPV4.pack(*fields, total, *addresses)


def _ipv4_payload(frame: bytes, protocol: int) -> bytes | None:
    """Return what an unfragmented, valid IPv4 packet of this protocol carries."""
    packet = frame[ETHERNET.size :]
    if frame[12:14] != ETHERTYPE_IPV4.to_bytes(2, "big") or len(packet) < IPV4.size:
        return None
    version, _, total, _, fragment, _, carried, *_ = IPV4.unpack_from(packet)
    length = (version & 0xF) * 4
    whole = version >> 4 == 4 and IPV4.size <= length <= total <= len(packet)
    if not whole or fragment & 0x3FFF or carried != protocol or checksum(packet[:length]):
        return None
    return packet[length:total]


def _addresses(frame: bytes) -> tuple[IPv4Address, IPv4Address]:
    at = ETHERNET.size + 12
    return IPv4Address(frame[at : at + 4]), IPv4Address(frame[at + 4 : at + 8])
