"""Python source that writes and reads one argument of a command: what the codecs are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from attrs import frozen
from twisted.protocols import amp

from maasha.rpc.wire.values import (
    LONGEST,
    Number,
    Octets,
    Text,
    Value,
    checked,
    pieces,
    python_name,
)

pack_length = struct.Struct("!H").pack
LENGTHS = [pack_length(length) for length in range(1024)]
"""The two length bytes, ready-made for the lengths that nearly all values have."""
EDGE = 10**18

WRITERS: dict[type, str] = {
    amp.Integer: "b'%d' % ({0},)",
    amp.Unicode: "{0}.encode('utf-8')",
    amp.String: "{0}",
    amp.Boolean: "b'True' if {0} else b'False'",
    Number: "number({0})",
    Text: "{0}.encode()",
    Octets: "octets({0})",
}
READERS: dict[type, str] = {
    amp.Integer: "int({0})",
    amp.Unicode: "{0}.decode('utf-8')",
    amp.String: "{0}",
    amp.Boolean: "BOOLEANS[{0}]",
    Number: "int({0} if {0}.isdigit() and len({0}) < 19 else checked({0}))",
    Text: "{0}.decode()",
    Octets: "{0}",
}
SHORT = (amp.Integer, amp.Boolean)
"""Stock types whose values hardly ever need the second length byte."""


def number(value: int) -> bytes:
    """Write an integer that has at most 18 digits."""
    if not -EDGE < value < EDGE:
        raise ValueError(f"no number of at most 18 digits: {value}")
    return b"%d" % value


def spread(name: bytes, data: bytes) -> bytes:
    """Write the pairs of a value that may be empty or long."""
    return b"".join(
        [
            b"%b%b%b%b" % (LENGTHS[len(key)], key, pack_length(len(piece)), piece)
            for key, piece in pieces(name, data)
        ]
    )


def further(buf: bytes, pos: int, name: bytes, first: bytes) -> tuple[bytes, int]:
    """Read the pieces after the first one at `pos`; gives the whole value and the position."""
    found = [first]
    while True:
        key = b"%b.%d" % (name, len(found) + 1)
        start = pos + 4 + len(key)
        if buf[pos : start - 2] != LENGTHS[len(key)] + key:
            return b"".join(found), pos
        pos = start + (buf[start - 2] << 8 | buf[start - 1])
        found.append(buf[start:pos])


NAMES: dict[str, Any] = {
    "BOOLEANS": {b"True": True, b"False": False},
    "LENGTHS": LENGTHS,
    "LONGEST": LONGEST,
    "checked": checked,
    "further": further,
    "number": number,
    "octets": bytes,
    "pack_length": pack_length,
    "spread": spread,
}
"""What generated source refers to."""


@frozen
class Field:
    """One declared argument, as generated source sees it; `index` makes its variables its own."""

    index: int
    name: bytes
    argument: Any

    @property
    def python(self) -> str:
        """The keyword argument."""
        return python_name(self.name)

    @property
    def spread(self) -> bool:
        """Whether the value may have no key or several."""
        return isinstance(self.argument, Value) and self.argument.spread

    @property
    def optional(self) -> bool:
        """Whether None stands for an absent key."""
        return bool(self.argument.optional)

    @property
    def short(self) -> bool:
        """Whether one length byte is enough."""
        return type(self.argument) in SHORT or getattr(self.argument, "short", False)

    @property
    def key(self) -> bytes:
        """The bytes before the (low) length byte of the value."""
        return LENGTHS[len(self.name)] + self.name + (b"\0" if self.short else b"")

    @property
    def plain(self) -> bool:
        """Whether generated source can stand for the argument's own conversion."""
        kind = type(self.argument)
        if isinstance(self.argument, Value):
            return kind.toBox is Value.toBox and kind.fromBox is Value.fromBox
        return (
            kind.toBox is amp.Argument.toBox
            and kind.fromBox is amp.Argument.fromBox
            and kind.retrieve is amp.Argument.retrieve
        )

    def bind(self, names: dict[str, Any]) -> None:
        """Add what the source of this field refers to."""
        argument = self.argument
        if isinstance(argument, Value):
            names[f"write{self.index}"] = argument.to_bytes
            names[f"read{self.index}"] = argument.from_bytes
        else:
            names[f"write{self.index}"] = argument.toStringProto
            names[f"read{self.index}"] = argument.fromStringProto

    def written(self, variable: str) -> str:
        """Give the expression for the value's bytes."""
        return self._expression(WRITERS, "write", variable)

    def read(self, variable: str) -> str:
        """Give the expression for the value of the bytes in `variable`."""
        return self._expression(READERS, "read", variable)

    def writing(self) -> Iterator[str]:
        """Give the statements that make `v` (and `p`, all pairs, unless `inline`) from `o`."""
        i, name = self.index, self.python
        if self.inline:
            yield f"v{i} = {self.written(f'o[{name!r}]')}"
            yield f"l{i} = len(v{i})"
            return
        yield f"x = o.get({name!r})" if self.optional else f"x = o[{name!r}]"
        yield "if x is None:" if self.optional else "if False:"
        yield f"    p{i} = b''"
        yield "else:"
        yield f"    v = {self.written('x')}"
        yield f"    p{i} = {self._pair('v')}"

    @property
    def inline(self) -> bool:
        """Whether there is exactly one pair, always."""
        return not (self.spread or self.optional)

    def length(self) -> str:
        """Give the expression for the two length bytes of `v`."""
        i = self.index
        return (
            f"LENGTHS[l{i}]"
            if self.short
            else f"LENGTHS[l{i}] if l{i} < 1024 else pack_length(l{i})"
        )

    def reading(self, key_is_read: bool) -> Iterator[str]:
        """Give the statements that make `a` from `buf` at `q`, or `return MISS`."""
        i = self.index
        if key_is_read:
            yield from self._value(0)
        elif self.inline:
            yield f"if buf[q:q + {len(self.key)}] != {self.key!r}: return MISS"
            yield from self._value(len(self.key))
        else:
            yield f"if buf[q:q + {len(self.key)}] == {self.key!r}:"
            yield from (f"    {line}" for line in self._value(len(self.key)))
            yield "else:"
            yield f"    a{i} = {self._absent()}"

    def _absent(self) -> str:
        return "None" if self.optional else self.read("b''")

    def _value(self, skipped: int) -> Iterator[str]:
        i = self.index
        if self.short:
            yield f"s = q + {skipped + 1}; q = s + buf[s - 1]; v = buf[s:q]"
        else:
            yield f"s = q + {skipped + 2}; q = s + (buf[s - 2] << 8 | buf[s - 1]); v = buf[s:q]"
        if self.spread:
            yield f"if q - s == LONGEST: v, q = further(buf, q, {self.name!r}, v)"
        yield f"a{i} = {self.read('v')}"

    def _pair(self, variable: str) -> str:
        key = LENGTHS[len(self.name)] + self.name
        if self.spread:
            one = f"b'%b%b%b' % ({key!r}, pack_length(len({variable})), {variable})"
            many = f"spread({self.name!r}, {variable})"
            return f"{one} if 0 < len({variable}) <= LONGEST else {many}"
        return f"b'%b%b%b' % ({key!r}, pack_length(len({variable})), {variable})"

    def _expression(self, table: dict[type, str], own: str, variable: str) -> str:
        kind = type(self.argument)
        if kind in table:
            return table[kind].format(variable)
        proto = "" if isinstance(self.argument, Value) else ", proto"
        return f"{own}{self.index}({variable}{proto})"
