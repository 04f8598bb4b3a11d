"""Writes the lines of a trace for a terminal."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from maasha.rpc.tracing.line import Kind, Line

ARROWS = {True: "→", False: "←", None: "·"}
PLAIN_ARROWS = {True: "->", False: "<-", None: "--"}
"""For a terminal that cannot show the others."""
HANGING = " " * 14
"""Below the links."""
KEPT_TOGETHER = "\N{NO-BREAK SPACE}"
"""Where no line ends; what a peer said has none (see `words.cleaned`)."""
SHORT = 60
"""Characters beside the head; more are easier to read below it."""
LEAST_WIDTH = 60
"""Characters; on a narrower terminal lines are wrapped by it."""
SIMPLE = re.compile(r"<[^<>]*>|[\w.:+-]+")
"""Texts that need no quotes."""


class Layout:
    """Sets lines at most `width` characters wide, with times in `zone` (None: this host's).

    The column of the links is as wide as the longest name so far.
    """

    def __init__(self, width: int, zone: tzinfo | None = None, *, plain: bool = False) -> None:
        self._width = max(width, LEAST_WIDTH)
        self._zone = zone
        self._arrows = PLAIN_ARROWS if plain else ARROWS
        self._widest = 0

    def written(self, line: Line) -> str:
        """Give the text of a line; what was said stands below where it does not fit beside."""
        self._widest = max(self._widest, len(line.link))
        time = line.time.astimezone(self._zone).strftime("%H:%M:%S.%f")[:-3]
        arrow = self._arrows[None if line.kind is Kind.NOTE else line.sent]
        said = line.message or ", ".join(_pairs(line.values))
        head = f"{time}  {line.link:<{self._widest}} {arrow} {'  '.join(_head(line))}".rstrip()
        if not any(_head(line)):
            return "\n".join(self._wrapped(f"{head} {said}", HANGING))
        whole = f"{head}  {said}".rstrip().replace(KEPT_TOGETHER, " ")
        if len(whole) <= self._width and len(said) <= SHORT:
            return whole
        return "\n".join([*self._wrapped(head, HANGING), *self._wrapped(said, HANGING, HANGING)])

    def _wrapped(self, text: str, later: str, first: str = "") -> list[str]:
        lines = textwrap.wrap(
            text,
            self._width,
            initial_indent=first,
            subsequent_indent=later,
            break_on_hyphens=False,
        )
        return [line.replace(KEPT_TOGETHER, " ") for line in lines]


def _head(line: Line) -> Iterator[str]:
    """Give what happened, and what people may skip."""
    ask = f"#{line.ask}" if line.ask else ""
    if word := " ".join(word for word in (_name(line), ask) if word):
        yield word
    match line.kind:
        case Kind.ANSWER:
            yield "ok"
        case Kind.ERROR:
            yield f"FAILED {line.code}"
        case Kind.WITHDRAWAL:
            yield "taken back"
    if line.took is not None:
        yield f"after {duration(line.took)}"
    if about := ", ".join(_context(line)):
        yield f"({about})"


def _name(line: Line) -> str:
    return line.command or ("" if line.kind in (Kind.NOTE, Kind.NOISE) else "?")


def _context(line: Line) -> Iterator[str]:
    if line.within is not None:
        yield f"within {duration(line.within)}"
    if line.trace:
        yield f"trace {line.trace}"


def _pairs(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value not in ("", None):  # what is not there is not worth its place
            yield f"{name}:{KEPT_TOGETHER}{flat(value)}"


def flat(value: Any) -> str:
    """Write what JSON carried on one line, with as few quotes as can be."""
    match value:
        case dict():
            return f"{{{', '.join(_pairs(value))}}}"
        case list():
            return f"[{', '.join(flat(item) for item in value)}]"
        case str() if SIMPLE.fullmatch(value):
            return value.replace(" ", KEPT_TOGETHER)
    return json.dumps(value, ensure_ascii=False)


def duration(seconds: float) -> str:
    """Write a time with its unit, to three digits or so."""
    if seconds < 1:
        return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f} ms"
    return f"{seconds:.{2 if seconds < 10 else 0}f} s"
