"""What differs between two versions of a record, in words for its event."""

from __future__ import annotations

from enum import Enum

from attrs import AttrsInstance, fields

from maasha.db.vlans import RackName


def differences(before: AttrsInstance, after: AttrsInstance) -> str:
    """Say each attribute that changed as `name old -> new`; empty when nothing did."""
    named = (
        (attribute.name, getattr(before, attribute.name), getattr(after, attribute.name))
        for attribute in fields(type(after))
    )
    return ", ".join(
        f"{name} {_said(old)} -> {_said(new)}" for name, old, new in named if old != new
    )


def _said(value: object) -> str:
    if isinstance(value, RackName):
        return value.hostname
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return "[" + " ".join(map(str, value)) + "]"
    return "none" if value is None else str(value) or "''"
