"""DHCP messages as bytes."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.dhcp_wire import Kind, Message, Option, encode, mac, mac_bytes, parse
from tests.lab.dhcp_strategies import MACS, MESSAGES

DISCOVER = Message(Kind.DISCOVER, 0x01020304, mac(0x02AABBCCDDEE), secs=5)


@given(MESSAGES)
def test_every_message_survives_the_wire(message: Message) -> None:
    """What is encoded is parsed to the same value, long options and all."""
    assert parse(encode(message)) == message


@given(st.binary(max_size=400))
def test_garbage_is_no_message(garbage: bytes) -> None:
    """Bytes without the magic cookie are nothing, and nothing raises."""
    assert parse(garbage) is None


@given(MESSAGES, st.data())
def test_a_damaged_message_never_raises(message: Message, data: st.DataObject) -> None:
    """Cut short or with one byte changed it is a message or nothing."""
    payload = bytearray(encode(message))
    at = data.draw(st.integers(0, len(payload) - 1))
    parse(bytes(payload[:at]))
    payload[at] ^= data.draw(st.integers(1, 255))
    parse(bytes(payload))


def test_the_header_is_that_of_rfc_2131() -> None:
    """Fields are where figure 1 of the RFC has them."""
    payload = encode(DISCOVER)
    assert payload[:4] == bytes((1, 1, 6, 0))
    assert payload[4:8] == bytes((1, 2, 3, 4))
    assert payload[8:12] == bytes((0, 5, 0, 0))
    assert payload[28:34] == bytes.fromhex("02aabbccddee")
    assert payload[236:240] == bytes((99, 130, 83, 99))
    assert payload[240:244] == bytes((53, 1, 1, 255))


def test_a_message_is_never_shorter_than_bootp() -> None:
    """It has at least 300 bytes."""
    assert len(encode(DISCOVER)) == 300


@pytest.mark.parametrize(("kind", "operation"), [(Kind.REQUEST, 1), (Kind.ACK, 2), (Kind.NAK, 2)])
def test_servers_reply_and_clients_request(kind: Kind, operation: int) -> None:
    """The first byte says who speaks."""
    assert encode(Message(kind, 1, mac(1)))[0] == operation


def test_options_are_read_as_what_they_mean() -> None:
    """Durations, addresses, and None for what is missing or malformed."""
    options = (
        (int(Option.LEASE_TIME), bytes((0, 0, 2, 88))),
        (int(Option.SERVER_ID), bytes((10, 0, 0, 1))),
        (int(Option.REQUESTED_ADDRESS), b"short"[:3]),
    )
    ack = Message(Kind.ACK, 1, mac(1), options=options)
    assert ack.seconds(Option.LEASE_TIME) == 600
    assert ack.server_id == IPv4Address("10.0.0.1")
    assert ack.requested is None
    assert ack.seconds(Option.RENEWAL_TIME) is None
    assert ack.seconds(Option.REQUESTED_ADDRESS) is None


@given(MACS)
def test_an_ethernet_address_has_one_spelling(address: str) -> None:
    """Bytes and text are the same address."""
    assert mac(mac_bytes(mac(int(address.replace(":", ""), 16)))) == address
