"""The words of `maasha dhcp roles`."""

from __future__ import annotations

import pytest

from maasha.cli.commands import parse
from maasha.cli.failures import Misused
from maasha.cli.roles_words import Roles


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("dhcp roles", Roles()),
        ("dhcp roles maas", Roles("maas")),
        ("dhcp roles --plan", Roles(plan=True)),
        (
            "dhcp roles maas --plan --apply --deadline 10m",
            Roles("maas", plan=True, apply=True, deadline=600),
        ),
    ],
)
def test_words(words: str, command: Roles) -> None:
    """Each form asks for one thing."""
    assert parse(words.split()) == command


def test_nothing_is_applied_that_nobody_looked_at() -> None:
    """--apply alone is refused with the order to go."""
    with pytest.raises(Misused, match="maasha dhcp roles --plan, and then: --plan --apply"):
        parse(["dhcp", "roles", "--apply"])


@pytest.mark.parametrize("words", ["dhcp", "dhcp rules", "dhcp roles --deadline soon"])
def test_wrong_words(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no command is refused with how it is written."""
    with pytest.raises(SystemExit) as caught:
        parse(words.split())
    assert caught.value.code == 2
    assert "usage: maasha dhcp" in capsys.readouterr().err
