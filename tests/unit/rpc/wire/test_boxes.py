"""Boxes are found in bytes, whatever is missing."""

from __future__ import annotations

from hypothesis import given, settings
from twisted.protocols import amp

from maasha.rpc.wire.boxes import Pairs, Verdict, box_of, pairs
from tests.unit.rpc.wire.parts import boxes


@settings(max_examples=30, deadline=None)
@given(boxes)
def test_a_box_is_read_up_to_its_end(box: Pairs) -> None:
    """And from any cut the missing bytes lead to the next step."""
    written = box_of(box)
    found: Pairs = {}
    assert pairs(b"??" + written + b"!", 2, found) == (Verdict.COMPLETE, 2 + len(written), 0)
    assert found == box == amp.parseString(written)[0]
    for cut in range(len(written)):
        verdict, pos, missing = pairs(written[:cut], 0, {})
        assert verdict is Verdict.PARTIAL
        assert 0 < missing <= len(written) - cut
        assert pos <= cut


def test_a_long_key_is_garbage() -> None:
    """Its first length byte is not zero."""
    assert pairs(b"\x01\x00", 0, {}) == (Verdict.GARBAGE, 0, 0)
