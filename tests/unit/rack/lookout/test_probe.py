"""Frames carry probes and answers that only the watch's key can prove."""

from __future__ import annotations

from math import inf, nan

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.rack.lookout.probe import ALL, Kind, Message, decode, encode
from maasha.rack.lookout.proof import LENGTH, NONCE_LENGTH, prove
from tests.unit.rack.lookout.segment import KEY, VLAN

OTHER_KEY = "5f" * 32
PROBE = Message(Kind.PROBE, VLAN, RackKey(1), ALL, bytes(range(16)), 1_700_000_000.25)
keys = st.integers(0, 2**64 - 1)
messages = st.builds(
    Message,
    st.sampled_from(Kind),
    keys.map(VlanId),
    keys.map(RackKey),
    keys.map(RackKey),
    st.binary(min_size=NONCE_LENGTH, max_size=NONCE_LENGTH),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(messages, st.integers(0, 30))
def test_what_was_sent_is_read(message: Message, filling: int) -> None:
    """Also where zeros have filled up the frame."""
    assert decode(encode(message, KEY) + bytes(filling), KEY) == message


@given(messages, st.data())
def test_what_was_changed_is_nothing(message: Message, data: st.DataObject) -> None:
    """Whichever bit it is."""
    sent = bytearray(encode(message, KEY))
    at = data.draw(st.integers(0, 8 * len(sent) - 1))
    sent[at // 8] ^= 1 << at % 8
    assert decode(bytes(sent), KEY) is None


@given(messages, st.data())
def test_what_was_cut_is_nothing(message: Message, data: st.DataObject) -> None:
    """Wherever it was cut."""
    sent = encode(message, KEY)
    assert decode(sent[: data.draw(st.integers(0, len(sent) - 1))], KEY) is None


@given(st.binary(max_size=200))
def test_garbage_is_nothing(garbage: bytes) -> None:
    """With our first bytes before it, too."""
    assert decode(garbage, KEY) is None
    assert decode(b"maasha\x01" + garbage, KEY) is None


@given(messages)
def test_another_keys_message_is_nothing(message: Message) -> None:
    """Whoever does not watch this VLAN has no say on it."""
    assert decode(encode(message, OTHER_KEY), KEY) is None


@pytest.mark.parametrize("clock", [nan, inf])
def test_a_clock_shows_a_time(clock: float) -> None:
    """Whatever else is proved is no message."""
    assert decode(encode(evolve(PROBE, clock=clock), KEY), KEY) is None


@pytest.mark.parametrize(("at", "value"), [(6, 2), (7, 3)])
def test_what_a_later_version_says_is_not_understood(at: int, value: int) -> None:
    """Though it is proved: another version, another kind of message."""
    said = bytearray(encode(PROBE, KEY)[:-LENGTH])
    said[at] = value
    assert decode(bytes(said) + prove(KEY, b"frame", bytes(said)), KEY) is None


def test_the_bytes_are_as_documented() -> None:
    """Racks of one release and the next understand each other."""
    said = (
        b"maasha\x01\x01"
        + (5).to_bytes(8, "big")
        + (1).to_bytes(8, "big")
        + bytes(8)
        + bytes(range(16))
        + bytes.fromhex("41d954fc40100000")
    )
    assert encode(PROBE, KEY)[:-LENGTH] == said
    assert encode(PROBE, KEY)[-LENGTH:].hex() == "b0620ebdddca70a83f42a3542a161f86"
