"""What a peer says is shown without harm to a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.rpc.tracing.words import LONGEST, cleaned, counted, name


@given(st.text())
def test_a_shown_text_only_prints(text: str) -> None:
    """No escape sequence, line break, direction mark or lone surrogate gets through."""
    shown = cleaned(text)
    assert shown.isprintable()
    shown.encode()


def test_a_long_text_is_cut() -> None:
    """With three dots for the rest."""
    assert cleaned("x" * LONGEST) == "x" * LONGEST
    assert cleaned("x" * (LONGEST + 1)) == "x" * (LONGEST - 3) + "..."
    assert cleaned("a\x1b[31mb\n") == "a\\u001b[31mb\\u000a"


@given(st.binary())
def test_a_name_is_shown_if_it_looks_like_one(word: bytes) -> None:
    """Whatever else stands there is counted."""
    assert name(word).isprintable()
    assert len(name(word)) <= 64


def test_names_are_names() -> None:
    """Of commands, tokens, traces and codes."""
    for word in (b"ReportDHCP", b"1a", b"acme.Power-On", b"6fa1b2c3-2.1a", b"UNHANDLED"):
        assert name(word) == word.decode()
    assert name(b"\x1b[2J") == "<4 bytes>"
    assert name(b"") == "<0 bytes>"
    assert name(b"x" * 65) == "<65 bytes>"


def test_things_are_counted_in_english() -> None:
    """One of them is not several."""
    assert [counted(number, "item") for number in (0, 1, 12_345)] == [
        "0 items",
        "1 item",
        "12,345 items",
    ]
