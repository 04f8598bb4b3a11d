"""Requests and answers cross the control socket as lines, or are refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.rack.control_lines import (
    Done,
    Item,
    Refused,
    Request,
    read_answer,
    read_request,
    socket_in,
    write_answer,
    write_request,
)

loose: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.text(), st.dictionaries(st.text(), loose, max_size=3))
def test_a_request_crosses(ask: str, details: dict[str, Any]) -> None:
    """As one line, whatever is in it."""
    line = write_request(Request(ask, details))
    assert line.index(b"\n") == len(line) - 1
    assert read_request(line) == Request(ask, details)


@given(loose)
def test_an_item_crosses(value: Any) -> None:
    """As one line, whatever is in it."""
    line = write_answer(Item(value))
    assert line.index(b"\n") == len(line) - 1
    assert read_answer(line) == Item(value)


def test_an_answer_ends_well_or_in_words() -> None:
    """Whoever asked can tell."""
    assert read_answer(write_answer(Done())) == Done()
    refused = read_answer(write_answer(Refused("no such VLAN")))
    assert isinstance(refused, Refused)
    assert str(refused) == "no such VLAN"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"hello", "a line of this protocol is a JSON object"),
        (b"[" * 100_000, "a line of this protocol is a JSON object"),
        (b"\xff", "a line of this protocol is a JSON object"),
        (b"[]", "a line of this protocol is a JSON object"),
        (b"{}", "this rackd speaks version 1"),
        (b'{"version": 2, "ask": "links"}', "this rackd speaks version 1"),
        (b'{"version": 1}', "a request is"),
        (b'{"version": 1, "ask": "links", "with": []}', "a request is"),
    ],
)
def test_what_is_no_request_is_refused(line: bytes, why: str) -> None:
    """In words that say what one looks like."""
    with pytest.raises(Refused, match=why):
        read_request(line)


@pytest.mark.parametrize("line", [b"SSH-2.0", b"{}", b'{"done": 1}', b'{"refused": 7}'])
def test_what_is_no_answer_is_refused(line: bytes) -> None:
    """Something else may listen there."""
    with pytest.raises(Refused):
        read_answer(line)


def test_details_may_be_left_out() -> None:
    """By whoever types a request."""
    assert read_request(b'{"version": 1, "ask": "links"}') == Request("links", {})


def test_the_socket_is_in_the_data_folder() -> None:
    """One for each rackd."""
    assert socket_in(Path("/var/lib/maasha/rack")) == Path("/var/lib/maasha/rack/control.sock")
