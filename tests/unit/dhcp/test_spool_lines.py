"""Lines of a spool."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.spool_lines import (
    MARK,
    Mark,
    State,
    Word,
    line_of,
    sealed,
    state_line,
    state_of,
    word_of,
)
from maasha.model.lease import BindingState, Lease

instants = st.none() | st.integers(0, 2**33).map(lambda each: datetime.fromtimestamp(each, UTC))
leases = st.builds(
    Lease,
    ip=st.ip_addresses(v=4),
    state=st.sampled_from(BindingState),
    mac=st.sampled_from(["", "02:00:00:00:00:01"]),
    starts=instants,
    ends=instants,
    last_transaction=instants,
    hostname=st.text(),
    fixed=st.booleans(),
)
words = st.builds(
    Word,
    st.integers(0, 2**62),
    leases | st.builds(Mark, st.text(min_size=1), st.integers(0, 2**62)),
)


@given(words)
def test_a_word_is_read_as_it_was_written(word: Word) -> None:
    """On one line, whatever a client calls itself."""
    line = line_of(word)
    assert line.count(b"\n") == 1
    assert word_of(line[:-1]) == word


@given(words, st.data())
def test_a_damaged_line_is_no_line(word: Word, data: st.DataObject) -> None:
    """One byte that is another, or that is missing at the end, is found out."""
    line = line_of(word)[:-1]
    place = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    assert word_of(line[:place] + bytes([other]) + line[place + 1 :]) is None
    assert word_of(line[:place]) is None


@pytest.mark.parametrize("text", ["", "1", "x @ 1 log", "1 @ 1", "1 10.0.0.1 active", "1 10.0.0 a"])
def test_a_line_of_another_make_is_no_line(text: str) -> None:
    """Though its checksum fits."""
    assert word_of(sealed(text)[:-1]) is None


def test_keys() -> None:
    """A word is about an address, or about the logs."""
    assert Word(1, Mark("dhcpd-1.log", 7)).key == MARK
    assert Word(1, Lease(IPv4Address("10.0.0.1"), BindingState.FREE)).key == IPv4Address("10.0.0.1")


@given(st.builds(State, *[st.integers(0, 2**64 - 1)] * 5))
def test_states(state: State) -> None:
    """All are of one length, so that one replaces another in place."""
    line = state_line(state)
    assert len(line) == len(state_line(State()))
    assert state_of(line) == state


@pytest.mark.parametrize(
    "line", [b"", sealed("1"), sealed("1 2 3 4 x"), state_line(State(1)).replace(b"1 0", b"2 0")]
)
def test_a_damaged_state_is_none(line: bytes) -> None:
    """Or one of another make."""
    assert state_of(line) is None
