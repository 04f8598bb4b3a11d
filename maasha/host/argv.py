"""Takes secrets out of this process' command line, where every user of the host can read them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

STAT = Path("/proc/self/stat")
ARG_START, ARG_END = 48 - 3, 49 - 3
"""Where proc(5) has the addresses of the arguments, counted from the field after the name."""
MASK = b"x"


def conceal(secrets: Iterable[str]) -> None:
    """Overwrite each of these words wherever it stands among the arguments of this process.

    What /proc/PID/cmdline and ps(1) show is the memory itself, so nothing is left to be read; the
    length stays. A system without /proc is left as it is.
    """
    wanted = [os.fsencode(secret) for secret in secrets if secret]
    if not wanted or not STAT.exists():
        return
    start, end = _bounds(STAT.read_text())
    arguments = ctypes.string_at(start, end - start)
    for place, length in _places(arguments, wanted):
        ctypes.memset(start + place, ord(MASK), length)


def words_of(words: Sequence[str], options: Iterable[str]) -> tuple[str, ...]:
    """Give what follows these options, as `--option WORD` or `--option=WORD`; `-` is no secret."""
    names = tuple(options)
    apart = (value for name, value in pairwise(words) if name in names)
    together = (
        word.partition("=")[2] for word in words for name in names if word.startswith(f"{name}=")
    )
    return tuple(word for word in (*apart, *together) if word != "-")


def _bounds(stat: str) -> tuple[int, int]:
    fields = stat.rpartition(")")[2].split()
    return int(fields[ARG_START]), int(fields[ARG_END])


def _places(arguments: bytes, wanted: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """Find whole arguments, and the ends of those that have `=` before the word."""
    place = 0
    for argument in arguments.split(b"\0"):
        for word in wanted:
            if argument == word or argument.endswith(b"=" + word):
                yield place + len(argument) - len(word), len(word)
        place += len(argument) + 1
