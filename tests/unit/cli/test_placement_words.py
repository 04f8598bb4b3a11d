"""The words of the commands about the placement."""

from __future__ import annotations

import pytest

from maasha.cli.commands import parse
from maasha.cli.failures import Misused
from maasha.cli.placement_words import Balance, Drain, Pause, Resume


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("drain region region-1", Drain("region", "region-1")),
        ("drain worker region-1/0 maas", Drain("worker", "region-1/0", "maas")),
        ("drain rack rack-1 --undo", Drain("rack", "rack-1", undo=True)),
        (
            "drain region region-1 --wait --for 2h --then alarm",
            Drain("region", "region-1", wait=True, seconds=7200, at_end="alarm"),
        ),
        ("drain --wait worker r/1", Drain("worker", "r/1", wait=True)),
        ("balance", Balance()),
        ("balance maas --explain --dry-run", Balance("maas", explain=True, dry_run=True)),
        ("pause", Pause()),
        ("pause --for 90 maas", Pause("maas", 90)),
        ("resume", Resume()),
        ("resume maas", Resume("maas")),
    ],
)
def test_words(words: str, command: object) -> None:
    """Each form asks for one thing; the profile may be named after all else."""
    assert parse(words.split()) == command


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400)]
)
def test_spans_of_time(text: str, seconds: int) -> None:
    """A bare number is seconds."""
    assert parse(["pause", "--for", text]) == Pause("", seconds)


@pytest.mark.parametrize("text", ["", "0", "-1", "2 h", "2w", "1.5h", "366d", "\u0663"])
def test_what_is_no_span_of_time(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused with how to write it."""
    with pytest.raises(SystemExit) as caught:
        parse(["pause", f"--for={text}"])
    assert caught.value.code == 2
    assert "write it as 90, 90s, 10m, 2h or 1d" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["drain", "drain region", "drain vlan 1", "drain delete 3"])
def test_wrong_words(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Words that fit nothing are refused with how it is written."""
    with pytest.raises(SystemExit):
        parse(words.split())
    assert "usage: maasha drain" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--wait", "--for 2h", "--then alarm"])
def test_what_is_undone_has_no_end(option: str) -> None:
    """Options of a drain make no sense where one is undone."""
    with pytest.raises(Misused, match="leave --wait, --for and --then out"):
        parse(f"drain region region-1 --undo {option}".split())


def test_nobody_waits_for_a_rack() -> None:
    """Its VLANs stay with it until somebody names other racks: how, is said."""
    with pytest.raises(Misused, match="maasha vlan update"):
        parse(["drain", "rack", "rack-1", "--wait"])
