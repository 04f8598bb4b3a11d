"""The words of `maasha dhcp status` and `maasha dhcp takeover`."""

from __future__ import annotations

import pytest

from maasha.cli.commands import parse
from maasha.cli.failures import Misused
from maasha.cli.standing_words import Standing, TakeOver


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("dhcp status", Standing()),
        ("dhcp status 5001", Standing("5001")),
        ("dhcp status maas", Standing("", "maas")),
        ("dhcp status 5001 maas", Standing("5001", "maas")),
        ("dhcp takeover 5001 --off rack1", TakeOver("5001", "rack1")),
        ("dhcp takeover 5001 maas --off rack1 --force", TakeOver("5001", "rack1", "maas", True)),
    ],
)
def test_words(words: str, command: Standing | TakeOver) -> None:
    """Each form asks for one thing."""
    assert parse(words.split()) == command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("dhcp takeover 5001", "maasha dhcp takeover 5001 --off RACK"),
        ("dhcp takeover untagged --off rack1", "ids are numbers"),
        ("dhcp status lan maas", "ids are numbers"),
    ],
)
def test_nobody_takes_over_by_accident(words: str, said: str) -> None:
    """Without naming whose host is off, or the VLAN by its number, there is no command."""
    with pytest.raises(Misused, match=said):
        parse(words.split())
