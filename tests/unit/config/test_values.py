"""Values of keys: numbers, durations, paths, names, secrets and lists of them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.config.document import Value, read
from maasha.config.problems import Problem, Wrong
from maasha.config.values import Parse, each, flag, name, path, secret, whole, written

T = TypeVar("T")


def value(text: str) -> Value:
    """Read the value of a key."""
    return read(f"key: {text}\n")[0].value


def problems(parse: Parse[T], text: str) -> list[str]:
    """Give what is said of a value that is refused."""
    with pytest.raises(Wrong) as caught:
        parse(value(text))
    return [str(problem) for problem in caught.value.problems]


@given(st.integers(0, 999_999_999))
def test_whole_numbers_have_bounds(number: int) -> None:
    """A whole number is taken at its bounds and refused beyond."""
    written_number = value(str(number))
    assert whole(number, number)(written_number) == number
    for low, high in ((number + 1, number + 1), (0, number - 1)):
        with pytest.raises(Wrong):
            whole(low, high)(written_number)


@pytest.mark.parametrize("text", ["0x10", "010_0", "1_0", "-1", "1.0", "yes", "1e3", "12345678901"])
def test_whole_numbers_are_plain_digits(text: str) -> None:
    """Numbers in YAML's odd notations are refused, not guessed."""
    assert problems(whole(0, 100), text) == [
        f"'{text}' is not a whole number from 0 to 100; write "
        + ("digits without quotes" if text in ("1e3",) else "such a number")
    ]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("true", True), ("Yes", True), ("on", True), ("FALSE", False), ("no", False)],
)
def test_a_flag_is_what_yaml_takes_for_one(text: str, meaning: bool) -> None:
    """Also in the words of YAML 1.1."""
    assert flag(value(text)) is meaning


@pytest.mark.parametrize("text", ["1", "'true'", "y", "enabled"])
def test_other_words_are_no_flag(text: str) -> None:
    """A quoted or made-up word is refused, not guessed."""
    shown = text.strip("'")
    assert problems(flag, text) == [f"'{shown}' is neither true nor false; write true or false"]


def test_quoted_numbers_are_texts() -> None:
    """A number in quotes is refused with the mend."""
    assert problems(whole(0, 9), "'5'") == [
        "'5' is not a whole number from 0 to 9; write digits without quotes"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no value; write a value or remove the line"),
        ("[a]", "is a list; write a single value"),
        ("{a: b}", "is a mapping; write a plain value"),
        ("!x y", "is of a type of its own; write a plain value"),
    ],
)
def test_structures_where_a_value_belongs(text: str, problem: str) -> None:
    """A list, a mapping or nothing is refused for every key that has one value."""
    assert problems(secret, text) == [problem]
    assert problems(written(name), text) == [problem]
    assert problems(whole(0, 1), text) == [problem]


def test_paths() -> None:
    """A path is absolute."""
    assert written(path)(value("/a/b")) == Path("/a/b")
    assert problems(written(path), "a/b") == [
        "'a/b' is not an absolute path; write a path that begins with /"
    ]


def test_names() -> None:
    """A name is not empty and has no blank around it."""
    assert written(name)(value("maasha")) == "maasha"
    for text in ("' a'", "''"):
        assert "write the name alone" in problems(written(name), text)[0]


def test_secrets_are_taken_as_written() -> None:
    """Digits and YAML's words for true and false are passwords like any other."""
    assert [secret(value(text)) for text in ("0123", "no", "1.50")] == ["0123", "no", "1.50"]


def test_lists() -> None:
    """A single value is a list of one; doubles count once; the order stays."""
    numbers = each(whole(0, 9))
    assert numbers(value("3")) == (3,)
    assert numbers(value("[3, 1, 3]")) == (3, 1)
    assert problems(numbers, "[]") == ["is an empty list; write at least one item"]


def test_every_wrong_item_is_told() -> None:
    """All wrong items of a list are told at once, each with its line."""
    with pytest.raises(Wrong) as caught:
        each(whole(0, 9))(value("\n- 10\n- 5\n- [6]\n- x"))
    assert [problem.line for problem in caught.value.problems] == [2, 4, 5]
    assert all(isinstance(problem, Problem) for problem in caught.value.problems)
    assert "is a list" in str(caught.value)
