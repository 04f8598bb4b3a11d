"""Which names DNS takes."""

from __future__ import annotations

import pytest

from maasha.model.hostname import dns_name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("host", "host"),
        ("Host-1.Example.COM.", "host-1.example.com"),
        ("1", "1"),
        ("a" * 63, "a" * 63),
        (".".join(["a" * 63] * 3 + ["b" * 61]), ".".join(["a" * 63] * 3 + ["b" * 61])),
        (".".join(["a" * 63] * 4), ""),
        ("a" * 64, ""),
        ("", ""),
        (".", ""),
        ("a..b", ""),
        ("-a", ""),
        ("a-", ""),
        ("a_b", ""),
        ("a b", ""),
        ("ä", ""),
        ("\u212a", ""),  # the Kelvin sign, which lower() makes a "k"
        ("a\n", ""),
    ],
)
def test_only_what_dns_takes_is_a_name(said: str, name: str) -> None:
    """Labels of letters, digits and inner dashes, in lower case; all else is none."""
    assert dns_name(said) == name
