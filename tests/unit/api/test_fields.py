from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.api import fields
from maasha.model.network import RangeType

REFUSED: tuple[tuple[Callable[[str], object], str, str], ...] = (
    (fields.text, "a\0b", "control characters"),
    (fields.text, "\ud800", "broken Unicode"),
    (fields.text, "x" * 4097, "at most 4096"),
    (fields.name, "", "is not a name"),
    (fields.name, "-x", "letter or digit first"),
    (fields.name_or_empty, "a/b", "is not a name"),
    (fields.boolean, "maybe", "neither true nor false"),
    (fields.integer(1, 9), "10", "from 1 to 9"),
    (fields.integer(1, 9), "-1", "from 1 to 9"),
    (fields.integer(1, 9), "one", "from 1 to 9"),
    (fields.integer(1, 9), "٣", "from 1 to 9"),
    (fields.integer_or_zero(5, 9, "never"), "4", "from 5 to 9; give one, or 0 for never"),
    (fields.integer_or_zero(5, 9, "never"), "00", "from 5 to 9"),
    (fields.choice(RangeType), "static", "dynamic, reserved"),
    (fields.address, "10.0.0", "give one as 10.0.0.1"),
    (fields.address_or_empty, "x", "not an IP address"),
    (fields.addresses, "10.0.0.1 x", "'x' is not an IP address"),
    (fields.network, "10.0.0.1/24", "write 10.0.0.0/24"),
    (fields.mac, "00:16:3e", "give one as 00:16:3e:00:00:01"),
    (fields.network, "ten", "give one as 10.0.0.0/24"),
    (fields.hostname_or_empty, "a.b", "use 1 to 63 letters, digits and '-'"),
    (fields.hostname_or_empty, "-a", "is not a host name"),
    (fields.hostname_or_empty, 'a"; }', "is not a host name"),
    (fields.hostname_or_empty, "a\n", "is not a host name"),
    (fields.seat, "region-1", "give one as region-1/0"),
    (fields.seat, "region-1/x", "give one as region-1/0"),
    (fields.seat, "/0", "give one as region-1/0"),
)


@pytest.mark.parametrize(("parse", "submitted", "words"), REFUSED)
def test_refusal(parse: Callable[[str], object], submitted: str, words: str) -> None:
    """A text that is no such value is refused with words that mend it."""
    with pytest.raises(ValueError, match=words):
        parse(submitted)


def test_values() -> None:
    """Texts become the values that they mean."""
    assert fields.text("two\nlines") == "two\nlines"
    assert fields.name("fabric-0") == "fabric-0"
    assert fields.name_or_empty("") is None
    assert fields.boolean("True") is True
    assert fields.boolean("off") is False
    assert fields.choice(RangeType)("dynamic") is RangeType.DYNAMIC
    assert [fields.integer_or_zero(5, 9, "never")(text) for text in ("0", "5")] == [0, 5]
    assert fields.address_or_empty("") is None
    assert fields.address_or_empty("::1") == ip_address("::1")
    assert fields.addresses(" 10.0.0.1, 10.0.0.2 ") == (
        ip_address("10.0.0.1"),
        ip_address("10.0.0.2"),
    )
    assert fields.mac("00-16-3E-00-00-0A") == "00:16:3e:00:00:0a"
    assert fields.hostname_or_empty("Web-1") == "web-1"
    assert fields.hostname_or_empty("") == ""
    assert fields.seat("region-1.example/12") == ("region-1.example", 12)
    assert fields.network("10.0.0.0/24") == ip_network("10.0.0.0/24")


@given(st.integers(-20, 20))
def test_integer_bounds(value: int) -> None:
    """Both ends of an integer's bounds belong to it."""
    parse = fields.integer(-10, 10)
    if -10 <= value <= 10:
        assert parse(str(value)) == value
    else:
        with pytest.raises(ValueError, match="from -10 to 10"):
            parse(str(value))


def test_long_texts_are_cut() -> None:
    """A message does not repeat a long text whole."""
    assert len(fields.shown("x" * 1000)) < 70


@pytest.mark.parametrize(
    ("submitted", "hour"),
    [("2026-01-31T12:00:00Z", 12), ("2026-01-31T12:00:00+02:00", 10), ("2026-01-31 12:00", 12)],
)
def test_instants(submitted: str, hour: int) -> None:
    """One without a zone is UTC."""
    assert fields.instant(submitted) == datetime(2026, 1, 31, hour, tzinfo=UTC)


@pytest.mark.parametrize("submitted", ["", "now", "12:00", "2026-01-31T12:00:00 02:00", "x" * 99])
def test_what_is_no_instant(submitted: str) -> None:
    """It is refused with how to write one."""
    with pytest.raises(ValueError, match="give one as 2026-01-31T12:00:00Z"):
        fields.instant(submitted)


@pytest.mark.parametrize(
    ("words", "joined"),
    [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")],
)
def test_listed(words: tuple[str, ...], joined: str) -> None:
    """Words are joined as a sentence has them."""
    assert fields.listed(words) == joined
