"""Argument types of the commands beyond the wire's own: bytes of one length, UUIDs, records."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from maasha.model.codec import from_json, to_json
from maasha.rpc.wire.values import Value


class Bytes(Value):
    """Bytes of one fixed length between 1 and 32,767; None has no key and needs `optional=True`."""

    def __init__(self, length: int, optional: bool = False) -> None:
        super().__init__(optional)
        self.length = length
        self.shape = f"{length} bytes"

    def to_bytes(self, value: Any) -> bytes:
        """Give them as they are; another length is refused."""
        if len(value) != self.length:
            raise ValueError(f"{len(value)} bytes instead of {self.length}")
        return bytes(value)

    def from_bytes(self, data: bytes) -> bytes:
        """Give them as they are; another length is refused."""
        return self.to_bytes(data)


class Uuid(Value):
    """A UUID in its 36 characters; None has no key and needs `optional=True`."""

    shape = "UUID"

    def to_bytes(self, value: Any) -> bytes:
        """Give the characters."""
        return str(value).encode()

    def from_bytes(self, data: bytes) -> UUID:
        """Give the UUID; anything else is refused."""
        return UUID(data.decode())


class Record(Value):
    """A frozen record (or a tuple of them) as compact JSON, carried like a text."""

    spread = True
    shape = "JSON"

    def __init__(self, cls: Any) -> None:
        super().__init__()
        self.cls = cls

    def to_bytes(self, value: Any) -> bytes:
        """Give the JSON."""
        return to_json(value).encode()

    def from_bytes(self, data: bytes) -> Any:
        """Give the whole record; anything else is refused."""
        return from_json(self.cls, data.decode())
