"""A secret among the words of a command is gone from what other users can see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from maasha.host import argv
from maasha.host.argv import conceal, words_of

PROGRAM = """
import sys
from maasha.host.argv import conceal
conceal(sys.argv[1].split(","))
print(open("/proc/self/cmdline").read().replace(chr(0), " "))
print(" ".join(sys.argv[2:]))
"""


def seen(concealed: str, *words: str) -> tuple[str, str]:
    """Run a program that conceals; gives what others see of its words and what it has itself."""
    done = subprocess.run(
        [sys.executable, "-", concealed, *words],
        input=PROGRAM,
        capture_output=True,
        text=True,
        check=True,
    )
    theirs, own = done.stdout.splitlines()
    return theirs.partition(f" - {concealed} ")[2].strip(), own


def test_whole_words_and_what_follows_an_equals_sign_are_overwritten() -> None:
    """Length and neighbours stay; the program itself still has the words."""
    theirs, own = seen("c0ffee,", "--secret", "c0ffee", "--token=c0ffee", "c0ffee.conf")
    assert theirs == "--secret xxxxxx --token=xxxxxx c0ffee.conf"
    assert own == "--secret c0ffee --token=c0ffee c0ffee.conf"


def test_words_of_every_alphabet_are_overwritten() -> None:
    """What counts is the bytes."""
    assert seen("påß,", "påß", "p")[0] == "xxxxx p"


def test_nothing_to_conceal_touches_nothing() -> None:
    """The empty word is no secret."""
    assert seen(",,", "a", "")[0] == "a"


def test_a_system_without_proc_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to read there either."""
    monkeypatch.setattr(argv, "STAT", tmp_path / "none")
    conceal(["pytest"])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--secret", "a", "--x", "b"), ("a",)),
        (("--secret=a", "--token", "b"), ("b", "a")),
        (("--secret", "-", "--token=-"), ()),
        (("--secret",), ()),
        (("--secretive=a",), ()),
    ],
)
def test_options_lead_to_their_words(words: tuple[str, ...], found: tuple[str, ...]) -> None:
    """In both forms; `-` stands for standard input."""
    assert words_of(words, ("--secret", "--token")) == found
