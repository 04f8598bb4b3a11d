"""Deadlines travel without a common clock."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.protocols import amp

from maasha.rpc.wire.context import (
    LONGEST_TRACE,
    WINDOW,
    Ages,
    Origin,
    deadline_of,
    header,
)


def test_the_header_is_two_pairs() -> None:
    """Peers that do not know them skip them."""
    [box] = amp.parseString(header(b"1500", 10.0, b"t.") + b"\0\0")
    assert box == {b"_deadline": b"1500 10000", b"_trace": b"t."}
    [box] = amp.parseString(header(b"1500", 10.0, b"") + b"\0\0")
    assert box == {b"_deadline": b"1500 10000"}


def test_the_fastest_request_sets_the_clock() -> None:
    """Whatever took longer has waited that much."""
    clock = Clock()
    clock.advance(1000)
    ages = Ages(clock.seconds())
    assert ages.left(5000, 2000, clock.seconds()) == pytest.approx(2.0)
    clock.advance(1.5)
    assert ages.left(5000, 2000, clock.seconds()) == pytest.approx(0.5)
    assert ages.left(6500, 2000, clock.seconds()) == pytest.approx(2.0)
    clock.advance(3.0)
    assert ages.left(6500, 2000, clock.seconds()) == pytest.approx(-1.0)


def test_clocks_may_drift() -> None:
    """The difference is learned anew in every window, and the one before still counts."""
    clock = Clock()
    ages = Ages(clock.seconds())
    ages.left(0, 1000, clock.seconds())
    sent = 0.0
    for _ in range(4):
        clock.advance(WINDOW + 1)
        sent += (WINDOW + 1) * 0.99
        left = ages.left(round(sent * 1000), 1000, clock.seconds())
    assert left == pytest.approx(1.0 - (WINDOW + 1) * 0.01, abs=0.01)


@pytest.mark.parametrize(
    "value", [b"", b"1", b"x y", b"1 2 3", b"-1 2", b"1  2", b"9" * 40 + b" 1"]
)
def test_what_is_no_deadline_is_none(value: bytes) -> None:
    """A peer cannot harm anybody with it."""
    assert deadline_of({b"_deadline": value}) is None
    assert deadline_of({}) is None


def test_a_deadline_is_two_numbers() -> None:
    """When it was sent, and how long its caller waits."""
    assert deadline_of({b"_deadline": b"5 10000"}) == (5, 10_000)


def test_a_trace_is_named_by_its_first_request() -> None:
    """A trace that ends in a dot begins there; any other goes on, cut at its longest."""
    assert Origin(b"a1.", b"1f", 0.0).trace == "a1.1f"
    assert Origin(b"a1.1f", b"2", 0.0).trace == "a1.1f"
    assert len(Origin(b"x" * 999, b"2", 0.0).wire_trace) == LONGEST_TRACE
