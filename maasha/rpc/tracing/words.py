"""Words of a peer that go to a terminal: short, and nothing in them that a terminal obeys."""

from __future__ import annotations

import re

NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
"""What names of commands, arguments, codes and tokens look like."""
LONGEST = 80
"""Characters of a text."""


def is_name(word: bytes) -> bool:
    """Whether a word of the peer's may be shown as it is."""
    return NAME.fullmatch(word) is not None


def name(word: bytes) -> str:
    """Give a name, or how long the word is that is none."""
    return word.decode() if is_name(word) else f"<{counted(len(word), 'byte')}>"


def counted(number: int, what: str) -> str:
    """Say how many of something there are."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def cleaned(text: str, longest: int = LONGEST) -> str:
    """Give a text with escapes for all that does not simply print, cut at `longest` characters."""
    cut = text if len(text) <= longest else f"{text[: longest - 3]}..."
    return "".join(one if one.isprintable() else _escaped(one) for one in cut)


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"
