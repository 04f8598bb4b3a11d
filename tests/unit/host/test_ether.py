"""A frame has its two stations, its EtherType, and at least the length that Ethernet wants."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.host.ether import BROADCAST, HEADER, SHORTEST, Frame


@given(st.binary(max_size=200))
def test_short_frames_are_filled_up(payload: bytes) -> None:
    """With zeros; longer ones are as they are."""
    written = Frame(bytes(range(6)), BROADCAST, payload).written(0x88B5)
    assert written[:HEADER] == b"\xff\xff\xff\xff\xff\xff\x00\x01\x02\x03\x04\x05\x88\xb5"
    assert written[HEADER:].rstrip(b"\0") == payload.rstrip(b"\0")
    assert len(written) == max(SHORTEST, HEADER + len(payload))
