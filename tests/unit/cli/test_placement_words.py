"""The words of the commands about the placement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.commands import parse
from maasha.cli.failures import Misused
from maasha.cli.placement_words import Acknowledge, Balance, Drain, Pause, Resume, seconds, spelt


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("drain region region-1", Drain("region", "region-1")),
        ("drain worker region-1/0 maas", Drain("worker", "region-1/0", "maas")),
        ("drain rack rack-1 --undo", Drain("rack", "rack-1", undo=True)),
        ("drain rack rack-1 --wait", Drain("rack", "rack-1", wait=True)),
        (
            "drain region region-1 --wait --for 2h --then alarm",
            Drain("region", "region-1", wait=True, seconds=7200, at_end="alarm"),
        ),
        ("drain --wait worker r/1", Drain("worker", "r/1", wait=True)),
        (
            "drain worker r/1 --wait --timeout 10m",
            Drain("worker", "r/1", wait=True, timeout=600),
        ),
        ("balance", Balance()),
        ("balance maas --explain --dry-run", Balance("maas", explain=True, dry_run=True)),
        ("balance --history", Balance(history=20)),
        ("balance maas --history", Balance("maas", history=20)),
        ("balance --history 1000 maas", Balance("maas", history=1000)),
        ("pause", Pause()),
        ("pause --for 90 maas", Pause("maas", 90)),
        ("resume", Resume()),
        ("resume maas", Resume("maas")),
        ("acknowledge", Acknowledge()),
        ("acknowledge rack-1 rack-2", Acknowledge(("rack-1", "rack-2"))),
        ("acknowledge --profile maas", Acknowledge(profile="maas")),
        ("acknowledge rack-1 --profile maas", Acknowledge(("rack-1",), "maas")),
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


@pytest.mark.parametrize("text", ["0", "1001", "-1", "all", "", "1e2", "\u0663", "9" * 5000])
def test_what_is_no_number_of_notes(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused with how many there may be."""
    with pytest.raises(SystemExit):
        parse(["balance", f"--history={text}"])
    assert "is no number from 1 to 1000" in capsys.readouterr().err


@given(st.integers(1, 365 * 86400))
def test_spans_are_written_as_they_are_read(span: int) -> None:
    """What is shown can be given to an option."""
    assert seconds(spelt(span)) == span


def test_spans_are_written_short() -> None:
    """In the largest unit that fits."""
    assert [spelt(span) for span in (90, 600, 7200, 86400)] == ["90s", "10m", "2h", "1d"]


@pytest.mark.parametrize("words", ["drain", "drain region", "drain vlan 1", "drain delete 3"])
def test_wrong_words(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Words that fit nothing are refused with how it is written."""
    with pytest.raises(SystemExit):
        parse(words.split())
    assert "usage: maasha drain" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--wait", "--for 2h", "--then alarm", "--timeout 1m"])
def test_what_is_undone_has_no_end(option: str) -> None:
    """Options of a drain make no sense where one is undone."""
    with pytest.raises(Misused, match="leave --wait, --timeout, --for and"):
        parse(f"drain region region-1 --undo {option}".split())


def test_a_timeout_is_of_a_wait() -> None:
    """Without one it would mean nothing."""
    with pytest.raises(Misused, match="write --wait too"):
        parse(["drain", "region", "region-1", "--timeout", "1m"])
