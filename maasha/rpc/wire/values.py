"""Argument types whose values are never empty and never 32,768 bytes or longer on the wire.

AMP clients in other languages break on such values. A long one is spread over the keys `name`,
`name.2`, `name.3` and so on; an empty one has no key at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from twisted.protocols import amp

from maasha.rpc.wire.boxes import Pairs
from maasha.rpc.wire.errors import BadArgument

LONGEST = 32_767
"""Bytes of one value on the wire."""
DIGITS = re.compile(rb"-?[0-9]{1,18}")
"""What fits a signed 64-bit integer."""

Objects = dict[str, Any]


class Value(amp.Argument):
    """An argument that subclasses turn into bytes and back; both ways may raise ValueError.

    `spread` says that the bytes may be empty or long: absent and empty are the same then.
    `short` says that there are never more than 255. `shape` says in words what it carries.
    """

    shape: str = "bytes"
    spread: ClassVar[bool] = False
    short: ClassVar[bool] = False

    def to_bytes(self, value: Any) -> bytes:
        """Give the bytes that carry `value`."""
        raise NotImplementedError

    def from_bytes(self, data: bytes) -> Any:
        """Give the value that `data` carries."""
        raise NotImplementedError

    def refused(self, name: bytes, reason: str) -> Exception:
        """Give the error for a value that does not fit."""
        return BadArgument(name.decode(), reason)

    def toBox(self, name: bytes, strings: Pairs, objects: Objects, _proto: object) -> None:
        """Write the value called `name` into the box."""
        value = objects.get(python_name(name))
        if value is None and self.optional:
            return
        try:
            data = self.to_bytes(value)
        except (ValueError, TypeError, AttributeError) as error:
            raise self.refused(name, str(error)) from error
        strings.update(pieces(name, data) if self.spread else [(name, data)])

    def fromBox(self, name: bytes, strings: Pairs, objects: Objects, _proto: object) -> None:
        """Read the value called `name` from the box."""
        absent = name not in strings
        if absent and self.optional:
            objects[python_name(name)] = None
            return
        if absent and not self.spread:
            raise self.refused(name, "missing")
        try:
            data = gathered(name, strings) if self.spread else strings[name]
            objects[python_name(name)] = self.from_bytes(data)
        except ValueError as error:
            raise self.refused(name, str(error)) from error


class Number(Value):
    """An integer of at most 18 digits, in decimal."""

    shape = "number"
    short = True

    def to_bytes(self, value: Any) -> bytes:
        """Give its digits."""
        return checked(b"%d" % value)

    def from_bytes(self, data: bytes) -> int:
        """Give the number; anything else is refused."""
        return int(checked(data))


class Octets(Value):
    """Bytes of any length."""

    spread = True

    def to_bytes(self, value: Any) -> bytes:
        """Give them as they are."""
        return bytes(value)

    def from_bytes(self, data: bytes) -> bytes:
        """Give them as they are."""
        return data


class Text(Value):
    """A text of any length in UTF-8; a piece may end inside a character."""

    shape = "text"
    spread = True

    def to_bytes(self, value: Any) -> bytes:
        """Encode it."""
        encoded: bytes = value.encode()
        return encoded

    def from_bytes(self, data: bytes) -> str:
        """Decode it."""
        return data.decode()


def python_name(name: bytes) -> str:
    """Give the keyword argument that a wire name stands for, as AMP maps it."""
    mapped: str = amp._wireNameToPythonIdentifier(name)
    return mapped


def checked(digits: bytes) -> bytes:
    """Give the digits back if they are a number of at most 18, else raise ValueError."""
    if not DIGITS.fullmatch(digits):
        raise ValueError(f"no number of at most 18 digits: {digits[:40]!r}")
    return digits


def pieces(name: bytes, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Spread bytes over as many keys as they need: none if there are none."""
    for number, start in enumerate(range(0, len(data), LONGEST), 1):
        yield numbered(name, number), data[start : start + LONGEST]


def gathered(name: bytes, box: Pairs) -> bytes:
    """Join what `pieces` spread; raises ValueError where a piece is missing."""
    found: list[bytes] = []
    while (piece := box.get(numbered(name, len(found) + 1))) is not None:
        found.append(piece)
    if sum(is_later_piece(name, key) for key in box) > max(0, len(found) - 1):
        raise ValueError(f"a piece is missing after {len(found)}")
    return found[0] if len(found) == 1 else b"".join(found)


def numbered(name: bytes, number: int) -> bytes:
    """Give the key of a piece; the first has the bare name."""
    return name if number == 1 else b"%b.%d" % (name, number)


def is_later_piece(name: bytes, key: bytes) -> bool:
    """Whether `key` is the second piece of `name` or a later one."""
    return key.startswith(name + b".") and key[len(name) + 1 :].isdigit()
