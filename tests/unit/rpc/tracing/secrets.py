"""Messages full of secrets: values in a script that nothing else uses, wherever they may stand."""

from __future__ import annotations

import json
from enum import Enum
from ipaddress import IPv4Address
from typing import Any, get_args, get_origin
from uuid import UUID

import attrs
from hypothesis import strategies as st
from twisted.protocols import amp

from maasha.rpc import errors
from maasha.rpc.arguments import Record, Uuid
from maasha.rpc.tracing.harmless import ARGUMENTS, COMMANDS, FIELDS, WORDS
from maasha.rpc.wire.boxes import Pairs, box_of
from maasha.rpc.wire.values import Number, Text, pieces

GREEK = "αβγδεζηθικλμ"
"""No other part of a message is written in it."""
NAMES = st.text("abcdexyz0123456789", min_size=1, max_size=8)
secrets = st.text(GREEK, min_size=1, max_size=20)
misfits: st.SearchStrategy[Any] = st.one_of(
    secrets,
    st.lists(secrets, min_size=1, max_size=3),
    st.dictionaries(secrets, secrets, min_size=1, max_size=3),
)
"""Secrets in the place of something else."""
misfitting = st.integers(0, 3).map(lambda number: number == 0)


def tells(text: str) -> bool:
    """Whether a text has a part of a secret, as it is or in JSON's escapes."""
    return any(letter in text or f"\\u{ord(letter):04x}" in text.lower() for letter in GREEK)


@st.composite
def loose(draw: st.DrawFn, cls: Any, shown: bool = True) -> Any:
    """Make what JSON has for a type; a text that is not to be shown is a secret."""
    cls = getattr(cls, "__supertype__", cls)
    if cls is str:
        return draw(NAMES if shown else secrets)
    if str in _leaves(cls) and shown:  # a misfit would be the text that may be shown
        return draw(st.lists(NAMES) if get_origin(cls) is tuple else NAMES | st.none())
    if draw(misfitting):
        return draw(misfits)
    if get_origin(cls) is tuple:
        return draw(st.lists(loose(get_args(cls)[0], shown), max_size=3))
    if get_args(cls):
        return draw(loose(draw(st.sampled_from(get_args(cls))), shown))
    return draw(_record(cls) if attrs.has(cls) else _leaf(cls, shown))


@st.composite
def _record(draw: st.DrawFn, cls: Any) -> Any:
    allowed = FIELDS.get(cls, frozenset())
    made = {
        field.name: draw(loose(field.type, field.name in allowed))
        for field in attrs.fields(attrs.resolve_types(cls))
    }
    more: dict[str, Any] = draw(st.dictionaries(secrets, misfits, max_size=1))
    return {**made, **more}


def _leaf(cls: Any, shown: bool) -> st.SearchStrategy[Any]:
    if not shown:
        return secrets
    if isinstance(cls, type) and issubclass(cls, Enum):
        return st.sampled_from([member.value for member in cls])
    known: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(0, 99),
        float: st.floats(0, 99),
        type(None): st.none(),
        UUID: st.uuids().map(str),
        IPv4Address: secrets,
    }
    return known.get(cls, secrets)


def _leaves(cls: Any) -> list[Any]:
    return [getattr(part, "__supertype__", part) for part in get_args(cls)]


@st.composite
def _carried(draw: st.DrawFn, name: bytes, argument: Any) -> bytes:
    """Make the bytes of an argument; of what may be shown, or as a misfit, or a secret."""
    if name not in ARGUMENTS or (draw(misfitting) and not isinstance(argument, Text)):
        return draw(secrets).encode()
    if isinstance(argument, Record):
        return json.dumps(draw(loose(argument.cls)), ensure_ascii=draw(st.booleans())).encode()
    if isinstance(argument, Text):
        return draw(secrets if name in WORDS else NAMES).encode()
    plain = {Number: st.integers(0, 99).map(str), Uuid: st.uuids().map(str)}
    return draw(plain[type(argument)]).encode()


@st.composite
def _values(draw: st.DrawFn, declared: Any) -> Pairs:
    box: Pairs = {}
    for name, argument in declared:
        if draw(st.booleans()):
            box.update(pieces(name, draw(_carried(name, argument))))
    unknown = st.dictionaries(NAMES.map(str.encode), secrets.map(str.encode), max_size=2)
    known = {name for name, _ in declared}
    return {**box, **{key: value for key, value in draw(unknown).items() if key not in known}}


@st.composite
def _error(draw: st.DrawFn) -> Pairs:
    cls = draw(st.sampled_from(errors.TRAVELLING))
    described = draw(_record(cls)) | {"message": draw(secrets)}
    text = draw(st.sampled_from([json.dumps(described), draw(secrets)]))
    code = draw(st.sampled_from([errors.code_of(cls), errors.NOT_OFFERED, b"ACME"]))
    return {amp.ERROR_CODE: code, amp.ERROR_DESCRIPTION: text.encode()}


@st.composite
def exchange(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Make a question and its answer or error, of a command of ours or of somebody else's."""
    name = draw(st.sampled_from([*COMMANDS, b"acme.PowerOn"]))
    command = COMMANDS.get(name)
    arguments, response = (command.arguments, command.response) if command else ((), ())
    asked = {amp.ASK: b"1", amp.COMMAND: name, **draw(_values(arguments))}
    if draw(st.booleans()):
        return box_of(asked), box_of({amp.ANSWER: b"1", **draw(_values(response))})
    return box_of(asked), box_of({amp.ERROR: b"1", **draw(_error())})
