"""Argument types of the commands: numbers, bytes, texts of any length and whole frozen records.

Nothing puts an empty value or one of 32,768 bytes or more on the wire: AMP clients in other
languages break on those. Whatever does not fit raises BadArgument on the side that sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from twisted.protocols import amp

from maasha.model.codec import BadRecord, from_json, to_json
from maasha.rpc.errors import BadArgument
from maasha.rpc.wire.values import checked, gathered, pieces

Strings = dict[bytes, bytes]
Objects = dict[str, Any]


class Wire(amp.Argument):
    """An argument that reads and writes its own keys of the box; subclasses say how.

    `shape` says in words what it carries, for docs/protocol.md.
    """

    shape: str

    def toBox(self, name: bytes, strings: Strings, objects: Objects, _proto: object) -> None:
        """Write the value called `name` into the box."""
        for key, value in self.write(name, objects[name.decode()]):
            strings[key] = value

    def fromBox(self, name: bytes, strings: Strings, objects: Objects, _proto: object) -> None:
        """Read the value called `name` from the box."""
        objects[name.decode()] = self.read(name, strings)

    def write(self, name: bytes, value: Any) -> Iterator[tuple[bytes, bytes]]:
        """Give the keys and values that carry `value`."""
        raise NotImplementedError

    def read(self, name: bytes, strings: Strings) -> Any:
        """Give the value that the box carries, or raise BadArgument."""
        raise NotImplementedError


class Number(Wire):
    """An integer of at most 18 digits, in decimal."""

    shape = "number"

    def write(self, name: bytes, value: Any) -> Iterator[tuple[bytes, bytes]]:
        """Give one key."""
        yield name, _checked(name, b"%d" % value)

    def read(self, name: bytes, strings: Strings) -> int:
        """Give the number; absent or anything else is refused."""
        return int(_checked(name, _present(name, strings)))


class Bytes(Wire):
    """Bytes of one fixed length between 1 and 32,767; None has no key and needs `optional=True`."""

    def __init__(self, length: int, *, optional: bool = False) -> None:
        super().__init__(optional)
        self.length = length
        self.shape = f"{length} bytes"

    def write(self, name: bytes, value: Any) -> Iterator[tuple[bytes, bytes]]:
        """Give one key, or none."""
        if value is not None or not self.optional:
            yield name, self._measured(name, value)

    def read(self, name: bytes, strings: Strings) -> bytes | None:
        """Give the bytes or None; another length is refused."""
        if self.optional and name not in strings:
            return None
        return self._measured(name, _present(name, strings))

    def _measured(self, name: bytes, value: bytes) -> bytes:
        if len(value) != self.length:
            raise BadArgument(name.decode(), f"{len(value)} bytes instead of {self.length}")
        return value


class Text(Wire):
    """A text of any length, in UTF-8 over the keys `name`, `name.2`, `name.3` and so on.

    The empty text has no key at all. A piece may end inside a character.
    """

    shape = "text"

    def write(self, name: bytes, value: Any) -> Iterator[tuple[bytes, bytes]]:
        """Give as many keys as the text needs."""
        return pieces(name, _encoded(name, value))

    def read(self, name: bytes, strings: Strings) -> Any:
        """Give the whole text; a missing piece or broken UTF-8 is refused."""
        try:
            return gathered(name, strings).decode()
        except UnicodeDecodeError as error:
            raise BadArgument(name.decode(), f"not UTF-8: {error}") from error
        except ValueError as error:
            raise BadArgument(name.decode(), str(error)) from error


class Uuid(Text):
    """A UUID in its 36 characters; None has no key and needs `optional=True`."""

    shape = "UUID"

    def write(self, name: bytes, value: Any) -> Iterator[tuple[bytes, bytes]]:
        """Give one key, or none."""
        return super().write(name, "" if value is None else str(value))

    def read(self, name: bytes, strings: Strings) -> UUID | None:
        """Give the UUID or None."""
        text = super().read(name, strings)
        if not text and self.optional:
            return None
        try:
            return UUID(text)
        except ValueError as error:
            raise BadArgument(name.decode(), str(error)) from error


class Record(Text):
    """A frozen record (or a tuple of them) as compact JSON, carried like a text."""

    def __init__(self, cls: Any) -> None:
        super().__init__()
        self.cls = cls
        self.shape = "JSON"

    def write(self, name: bytes, value: Any) -> Iterator[tuple[bytes, bytes]]:
        """Give as many keys as the JSON needs."""
        try:
            return super().write(name, to_json(value))
        except BadRecord as error:
            raise BadArgument(name.decode(), str(error)) from error

    def read(self, name: bytes, strings: Strings) -> Any:
        """Give the whole record or raise BadArgument."""
        try:
            return from_json(self.cls, super().read(name, strings))
        except BadRecord as error:
            raise BadArgument(name.decode(), str(error)) from error


def _present(name: bytes, strings: Strings) -> bytes:
    try:
        return strings[name]
    except KeyError:
        raise BadArgument(name.decode(), "missing") from None


def _checked(name: bytes, digits: bytes) -> bytes:
    try:
        return checked(digits)
    except ValueError as error:
        raise BadArgument(name.decode(), str(error)) from error


def _encoded(name: bytes, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise BadArgument(name.decode(), f"broken Unicode: {error.reason}") from error
