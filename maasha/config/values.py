"""Turns the value of a key into what the program uses: numbers, paths, texts, lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, assert_never

from maasha.config.document import Items, Kind, Nested, Scalar, Value
from maasha.config.problems import Problem, Unfit, Wrong

T = TypeVar("T")

MAX_MESSAGE = 256
"""MiB; a message is held in memory while it comes."""

Parse = Callable[[Value], T]
"""Gives the value's meaning or raises `Wrong`."""


def written(parse: Callable[[str], T]) -> Parse[T]:
    """Read a scalar by its text; `parse` raises `Unfit` for a text it does not take."""

    def read(value: Value) -> T:
        scalar = _scalar(value)
        try:
            return parse(scalar.text)
        except Unfit as unfit:
            shown = "" if unfit.hidden else scalar.text
            problem = Problem(scalar.line, "", shown, unfit.what, unfit.mend)
            raise Wrong(problem) from None

    return read


def each(parse: Parse[T]) -> Parse[tuple[T, ...]]:
    """Read a list or a single value by `parse`; what is written twice counts once."""

    def read(value: Value) -> tuple[T, ...]:
        items = value.items if isinstance(value, Items) else (value,)
        if not items:
            problem = Problem(value.line, "", "", "is an empty list", "write at least one item")
            raise Wrong(problem)
        good: list[T] = []
        bad: list[Problem] = []
        for item in items:
            try:
                good.append(parse(item))
            except Wrong as wrong:
                bad += wrong.problems
        if bad:
            raise Wrong(*bad)
        return tuple(dict.fromkeys(good))

    return read


def each_if_any(parse: Parse[T]) -> Parse[tuple[T, ...]]:
    """Read the same, where an empty list says that there is none."""

    def read(value: Value) -> tuple[T, ...]:
        empty = isinstance(value, Items) and not value.items
        return () if empty else each(parse)(value)

    return read


def whole(low: int, high: int) -> Parse[int]:
    """Read a whole number from `low` to `high`, both included, written in decimal digits."""

    def read(value: Value) -> int:
        scalar = _scalar(value)
        digits = scalar.kind is Kind.WHOLE and re.fullmatch("[0-9]{1,9}", scalar.text)
        if not digits or not low <= int(scalar.text) <= high:
            raise _number(scalar, f"a whole number from {low} to {high}")
        return int(scalar.text)

    return read


def flag(value: Value) -> bool:
    """Read `true` or `false`, and what YAML 1.1 takes for them: yes and no, on and off."""
    scalar = _scalar(value)
    if scalar.kind is not Kind.FLAG:
        what = "is neither true nor false"
        raise Wrong(Problem(scalar.line, "", scalar.text, what, "write true or false"))
    return scalar.text.lower() in ("true", "yes", "on")


def path(text: str) -> Path:
    """Read an absolute path."""
    if not text.startswith("/") or "\0" in text:
        raise Unfit("is not an absolute path", "write a path that begins with /")
    return Path(text)


def name(text: str) -> str:
    """Read a name: any text with no blank at its ends."""
    if text != text.strip() or not text:
        raise Unfit("is empty or has a blank at its end", "write the name alone")
    return text


def secret(value: Value) -> str:
    """Read a text that no message shows; digits and words like `yes` are taken as written."""
    return _scalar(value).text


def _scalar(value: Value) -> Scalar:
    match value:
        case Scalar(kind=Kind.EMPTY):
            mend = "write a value or remove the line"
            raise Wrong(Problem(value.line, "", "", "has no value", mend))
        case Scalar():
            return value
        case Items():
            raise Wrong(Problem(value.line, "", "", "is a list", "write a single value"))
        case Nested():
            what = f"is {value.what}"
            raise Wrong(Problem(value.line, "", "", what, "write a plain value"))
        case _:
            assert_never(value)


def _number(scalar: Scalar, wanted: str) -> Wrong:
    mend = "write digits without quotes" if scalar.kind is Kind.TEXT else "write such a number"
    return Wrong(Problem(scalar.line, "", scalar.text, f"is not {wanted}", mend))
