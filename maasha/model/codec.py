"""Frozen records to compact JSON and back, strictly: what does not fit is refused by name."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any, NoReturn, TypeVar, get_args, get_origin
from uuid import UUID

import attrs
from attrs import frozen
from cattrs import (
    BaseConverter,
    BaseValidationError,
    ClassValidationError,
    Converter,
    IterableValidationError,
)
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.gen import make_dict_structure_fn

T = TypeVar("T")
Read = Callable[[Any, Any], Any]
"""A hook of cattrs: (what JSON gave, the wanted type) -> the value."""

SHOWN = 80
"""Characters of a refused value that an error repeats."""


@frozen
class BadRecord(ValueError):
    """A text is not the JSON of the wanted record; `path` leads to the first bad field."""

    path: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path or 'the record'}: {self.reason}; got {self.value}"


class _Misfit(ValueError):
    """A value that its field does not take."""

    def __init__(self, value: object, reason: str) -> None:
        super().__init__(reason)
        self.value = value


def to_json(record: object) -> str:
    """Write a record (or a tuple of records) as compact JSON, every field named.

    Raises BadRecord for what JSON cannot carry: NaN, naive times and broken Unicode.
    """
    try:
        loose = CONVERTER.unstructure(record)
        text = json.dumps(loose, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError as error:
        raise BadRecord("", _shown(record), str(error)) from error
    return text


def to_loose(record: object) -> Any:
    """Give what `json.dumps` takes for a record (or a tuple of records)."""
    return CONVERTER.unstructure(record)


def from_json(cls: type[T], text: str) -> T:
    """Read a record of type `cls`; unknown fields are ignored, wrong ones raise BadRecord."""
    try:
        loose = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRecord("", _shown(text), f"not JSON: {error}") from error
    return from_loose(cls, loose)


def from_loose(cls: type[T], loose: object) -> T:
    """Read a record of type `cls` from what `json.loads` (or a jsonb column) gave.

    Raises BadRecord.
    """
    try:
        return CONVERTER.structure(loose, cls)
    except (BaseValidationError, ValueError) as error:
        path, leaf = _first_leaf(error)
        raise _bad_record(path, leaf) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _bad_record(path: str, leaf: Exception) -> BadRecord:
    if isinstance(leaf, _Misfit):
        return BadRecord(path, _shown(leaf.value), str(leaf))
    if isinstance(leaf, KeyError):
        return BadRecord(path, "nothing", "this field is missing")
    return BadRecord(path, "a value", str(leaf))


def _first_leaf(error: Exception) -> tuple[str, Exception]:
    """Follow cattrs' tree of errors down to the first real one and give the path there."""
    path = ""
    while isinstance(error, BaseValidationError):
        error, step = _first_child(error)
        path += step
    return path.lstrip("."), error


def _first_child(error: BaseValidationError) -> tuple[Exception, str]:
    if isinstance(error, IterableValidationError):
        child, place = error.group_exceptions()[0][0]
        return child, f"[{place.index}]"
    fields = error.group_exceptions()[0] if isinstance(error, ClassValidationError) else []
    for child, field in fields:
        return child, f".{field.name}"
    return error.exceptions[0], ""  # a validator refused the record as a whole


def _read_text(value: Any, _: Any) -> str:
    """Take only what PostgreSQL and UTF-8 also take: no NUL, no lone surrogates."""
    if not isinstance(value, str):
        raise _Misfit(value, "not a text")
    if "\0" in value or (not value.isascii() and _has_surrogate(value)):
        raise _Misfit(value, "a text with NUL or broken Unicode")
    return value


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _read_exactly(*types: type) -> Read:
    def read(value: Any, wanted: Any) -> Any:
        if type(value) not in types:
            raise _Misfit(value, f"not of type {wanted.__name__}")
        return wanted(value)

    return read


def _read_int(value: Any, _: Any) -> int:
    """Take only what PostgreSQL's bigint also takes."""
    if type(value) is not int:
        raise _Misfit(value, "not of type int")
    if not -(2**63) <= value < 2**63:
        raise _Misfit(value, "a number of more than 64 bits")
    return value


def _read_with(parse: Callable[[str], Any]) -> Read:
    def read(value: Any, _: Any) -> Any:
        text = _read_text(value, str)
        try:
            return parse(text)
        except ValueError as error:
            raise _Misfit(value, str(error)) from error

    return read


def _parse_instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time without its offset from UTC")
    return instant.astimezone(UTC)


def _write_instant(instant: datetime) -> str:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no offset from UTC; use aware times")
    return instant.astimezone(UTC).isoformat()


def _read_member(value: Any, wanted: type[Enum]) -> Enum:
    try:
        return wanted(value)
    except ValueError as error:
        raise _Misfit(value, f"not a {wanted.__name__}") from error


def _record_hook(cls: type, converter: BaseConverter) -> Read:
    inner: Read = make_dict_structure_fn(cls, converter)

    def read(value: Any, wanted: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _Misfit(value, f"not a record {cls.__name__}")
        return inner(value, wanted)

    return read


def _tuple_hook(cls: type, converter: BaseConverter) -> Read:
    inner: Read = homogenous_tuple_structure_factory(cls, converter)

    def read(value: Any, wanted: Any) -> Any:
        if not isinstance(value, list):
            raise _Misfit(value, "not a list")
        return inner(value, wanted)

    return read


def _is_tuple(cls: Any) -> bool:
    return get_origin(cls) is tuple and get_args(cls)[1:] == (...,)


def _is_enum(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Enum)


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=True)
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_factory(attrs.has, _record_hook)
    converter.register_structure_hook_func(_is_enum, _read_member)
    converter.register_structure_hook(str, _read_text)
    converter.register_structure_hook(bool, _read_exactly(bool))
    converter.register_structure_hook(int, _read_int)
    converter.register_structure_hook(float, _read_exactly(float, int))
    converter.register_structure_hook(datetime, _read_with(_parse_instant))
    converter.register_unstructure_hook(datetime, _write_instant)
    parsed = (IPv4Address, IPv4Interface, IPv4Network)
    for cls in (*parsed, IPv6Address, IPv6Interface, IPv6Network, UUID):
        converter.register_structure_hook(cls, _read_with(cls))
        converter.register_unstructure_hook(cls, str)
    unions: tuple[tuple[Any, Callable[[str], Any]], ...] = (
        (IPv4Address | IPv6Address, ipaddress.ip_address),
        (IPv4Interface | IPv6Interface, ipaddress.ip_interface),
        (IPv4Network | IPv6Network, ipaddress.ip_network),
    )
    for union, parse in unions:
        converter.register_structure_hook(union, _read_with(parse))
    return converter


CONVERTER = _make_converter()
