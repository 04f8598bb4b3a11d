"""What the fast path serves: a table of commands for each kind of locator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.protocols import amp

from maasha.rpc.wire.codecs import Codec, Serve, codec_of, server_of

Entry = tuple[Serve, bytes, Codec, int | None]
"""How to serve a command, the key to read before, its codec, and which of `Several.parts` answers
it (None: the locator itself)."""
Table = dict[bytes, Entry]

_tables: dict[tuple[type, ...], Table] = {}
"""Made so far: one for all connections whose locators are of the same kinds."""


class Several(amp.CommandLocator):
    """Several locators as one: what the first does not know the next may answer."""

    def __init__(self, *parts: amp.CommandLocator) -> None:
        self.parts = parts

    def locateResponder(self, name: bytes) -> Callable[..., Any] | None:
        """Find who answers a command; None: nobody."""
        for part in self.parts:
            found: Callable[..., Any] | None = part.locateResponder(name)
            if found is not None:
                return found
        return None


def table_key(command: bytes) -> bytes:
    """Give the key of a command in a table: its name as it is on the wire, or none of them."""
    return b"%c%b" % (len(command), command) if len(command) < 256 else b""


def table_of(locator: Any) -> Table:
    """Give what the fast path serves for a locator; nothing if it has its own ways."""
    kind = type(locator)
    kinds = (kind, *map(type, locator.parts)) if kind is Several else (kind,)
    try:
        return _tables[kinds]
    except KeyError:
        return _tables.setdefault(kinds, _made(kinds))


def _made(kinds: tuple[type, ...]) -> Table:
    if kinds[0] is not Several:
        return dict(_entries(kinds[0], None)) if _is_stock(kinds[0]) else {}
    table: Table = {}
    for place, kind in enumerate(kinds[1:]):
        if not _is_stock(kind):
            break  # it may know any command, before those that follow
        table = {**dict(_entries(kind, place)), **table}
    return table


def _is_stock(kind: Any) -> bool:
    """Whether a class of locators leaves it to Twisted how a command is found and called."""
    known = (amp.CommandLocator.locateResponder, amp.AMP.locateResponder)
    wrap = amp.CommandLocator._wrapWithSerialization
    return getattr(kind, "locateResponder", None) in known and kind._wrapWithSerialization is wrap


def _entries(kind: Any, place: int | None) -> Iterator[tuple[bytes, Entry]]:
    for name, (command, responder) in kind._commandDispatch.items():
        if (codec := codec_of(command)) is not None:
            yield table_key(name), (server_of(codec, responder), codec.first, codec, place)
