"""What of a message people may see: an allow-list, and for all the rest its kind and size.

Only commands and records of ours are on the list, and of them only the fields named here. What is
shown has the form that its type allows; a value that has another form, a field that nobody knows
and the arguments of a third party's commands are never shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NoReturn, get_args, get_origin
from uuid import UUID

import attrs

from maasha.model.cluster import EventLoop, Introduction, Move, Ownership, Welcome
from maasha.model.codec import BadRecord, from_json
from maasha.model.dhcp import DhcpPlan, DhcpReport, Role, VlanRole, VlanService
from maasha.model.lease import LeaseReport, Trouble
from maasha.model.network import Interface
from maasha.model.orders import Act, Order
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding, Probe
from maasha.model.sighting import Peer, Sighting, Watch
from maasha.model.stamp import Stamp
from maasha.rpc import commands, errors
from maasha.rpc.arguments import Record, Uuid
from maasha.rpc.credentials import Kind
from maasha.rpc.tracing.words import cleaned, counted, is_name
from maasha.rpc.versions import Versions
from maasha.rpc.wire.boxes import Pairs
from maasha.rpc.wire.values import Number, gathered, numbered

Command = type[commands.Call]
Declared = Sequence[tuple[bytes, Any]]
Shown = dict[str, Any]
"""What JSON can carry, harmless."""

COMMANDS: Mapping[bytes, Command] = {
    command.commandName: command
    for command in (
        *commands.HANDSHAKE,
        *commands.BOTH_WAYS,
        *commands.REGION_TO_RACK,
        *commands.RACK_TO_REGION,
    )
}
"""Whose arguments may be shown at all: a third party's are its own affair."""
ARGUMENTS: frozenset[bytes] = frozenset(
    {
        # of the handshake; the nonces, the proofs, the token and the key are not here
        *(b"lowest", b"highest", b"version", b"system_id", b"instance", b"credential"),
        *(b"protocol", b"introduction", b"welcome"),
        # of the rest
        *(b"epoch", b"report", b"plan", b"interfaces", b"lost", b"cursor", b"move", b"worker"),
        *(b"watches", b"sightings", b"pools", b"probes", b"findings", b"calls", b"generation"),
        *(b"orders", b"by", b"acts"),
    }
)
"""Arguments and values of answers, of whichever of our commands."""
WORDS: Mapping[bytes, type[Enum]] = {b"credential": Kind}
"""Texts of which only these words are shown: the kind of a credential, never one itself."""

FIELDS: Mapping[type, frozenset[str]] = {
    record: frozenset(fields.split())
    for record, fields in {
        # no url (it may have a password in it), no registration, no addresses
        Introduction: "hostname version system_id interfaces epoch generation serving",
        Interface: "name mtu vid parent",
        Welcome: "system_id instance region worker",
        Ownership: "worker epoch",
        DhcpPlan: "generation interfaces roles acts",
        VlanRole: "vlan role interface relayed",
        Role: "duty peer_name",
        DhcpReport: "serving generation services acts orders damaged",
        VlanService: "vlan role state partner",
        Order: "number kind vlan ended",
        Act: "id number what",
        LeaseReport: "cursor acknowledged clock troubles",
        Trouble: "kind",
        Move: "to seconds",
        EventLoop: "name load",
        # no addresses, and above all no key
        Watch: "vlan rack interface peers",
        Peer: "rack hostname",
        Sighting: "vlan peer probed reached clock_offset",
        PoolCount: "vlan total free backup active returning abandoned arrivals returns",
        Probe: "vlan interface",
        Finding: "vlan settled",
        Versions: "lowest highest",
        errors.RemoteFailure: "id",
        errors.BadArgument: "argument",
        errors.DeadlineExceeded: "command seconds",
        errors.MessageTooLong: "command length limit",
        errors.OutOfOrder: "what",
        errors.WrongSecret: "prover credential",
        errors.WrongVersion: "offered accepted",
        errors.WrongInstance: "expected got",
        errors.TooManyLinks: "limit",
        errors.Redirect: "to",
        errors.Forgotten: "system_id",
        errors.Deleted: "system_id",
        errors.StaleEpoch: "got known",
        errors.NotOwner: "owner",
        errors.Unavailable: "retry_after",
    }.items()
}
"""Records of which something may be shown, and what. Leases are none of them."""

MOST_ITEMS = 12
"""Of a list; the others are counted."""
PLAIN: Mapping[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (float, int),
    type(None): (type(None),),
}
"""What JSON gives for a type."""
LARGEST = 10**18
"""Numbers of more digits are none of ours."""


class _Hidden(Exception):
    """A value does not have the form that its type says."""


def arguments(command: Command | None, answer: bool, box: Pairs) -> Shown:
    """Give what a box carries; `command` is None where it is unknown or not ours."""
    declared = () if command is None else command.response if answer else command.arguments
    left = {key: value for key, value in box.items() if not key.startswith(b"_")}
    shown: Shown = {}
    for name, argument in declared:
        data = _take(name, argument, left)
        if data is not None:
            shown[name.decode()] = _argument(name, argument, data)
    return {**shown, **_undeclared(left)}


def problem(code: bytes, description: bytes) -> tuple[Shown, str]:
    """Give the fields of an error and its message; this is empty where a field is not shown."""
    cls = errors.BY_CODE.get(code)
    if cls is None:
        return {"description": size_of(description)} if description else {}, ""
    try:
        loose = _loose(description)
        shown = _record(cls, {key: value for key, value in loose.items() if key != "message"})
    except (_Hidden, AttributeError):
        return {"description": size_of(description)}, ""
    return shown, _message(cls, description)


def _message(cls: type[errors.RpcError], description: bytes) -> str:
    """Make the message of an error anew, out of its fields, if all of them may be shown."""
    if any(field.name not in FIELDS.get(cls, ()) for field in attrs.fields(cls)):
        return ""
    try:
        return cleaned(str(from_json(cls, description.decode())), errors.MESSAGE_LIMIT)
    except BadRecord:
        return ""


def size_of(data: bytes) -> str:
    """Say no more of bytes than how many there are."""
    return f"<{counted(len(data), 'byte')}>"


def _take(name: bytes, argument: Any, left: Pairs) -> bytes | None:
    """Take an argument's pieces out of what is left; None where it is absent."""
    if not getattr(argument, "spread", False):
        return left.pop(name, None)
    try:
        data = gathered(name, left)
    except ValueError:
        return None  # its pieces are left as undeclared ones
    number = 1
    while left.pop(numbered(name, number), None) is not None:
        number += 1
    return data if number > 1 else None


def _undeclared(left: Pairs) -> Shown:
    names = [key for key in left if is_name(key)][:MOST_ITEMS]
    shown: Shown = {key.decode(): size_of(left[key]) for key in names}
    rest = [value for key, value in left.items() if key not in names]
    if rest:
        shown["..."] = f"<{len(rest)} more, {counted(sum(map(len, rest)), 'byte')}>"
    return shown


def _argument(name: bytes, argument: Any, data: bytes) -> Any:
    if name not in ARGUMENTS:
        return size_of(data)
    try:
        return _decoded(name, argument, data)
    except (_Hidden, ValueError):
        return f"<{counted(len(data), 'byte')}, not as declared>"


def _decoded(name: bytes, argument: Any, data: bytes) -> Any:
    if isinstance(argument, Record):
        return _value(argument.cls, _loose(data))
    value = argument.from_bytes(data)
    if isinstance(argument, Number | Uuid):
        return value if isinstance(value, int) else str(value)
    return _value(WORDS.get(name, str), value)


def _loose(data: bytes) -> Any:
    try:
        return json.loads(data.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Hidden from None


def _no_constant(_: str) -> NoReturn:
    raise _Hidden


def _value(cls: Any, loose: Any) -> Any:
    """Show a loose value as the type says; raises _Hidden where it is of another form."""
    cls = getattr(cls, "__supertype__", cls)
    if isinstance(cls, type) and not get_args(cls):
        return _single(cls, loose)
    if get_origin(cls) is tuple:
        return _several(get_args(cls)[0], loose)
    for part in get_args(cls):
        try:
            return _value(part, loose)
        except _Hidden:
            continue
    raise _Hidden


def _single(cls: type, loose: Any) -> Any:
    if cls is Stamp:
        return _stamp(loose)
    if cls in FIELDS:
        return _record(cls, loose)
    if cls is UUID and type(loose) is str:
        return _uuid(loose)
    if cls is str and type(loose) is str:
        return cleaned(loose)
    plain = type(loose) in PLAIN.get(cls, ()) and (loose is None or abs(loose) < LARGEST)
    if plain or (issubclass(cls, Enum) and loose in [member.value for member in cls]):
        return loose
    raise _Hidden


def _stamp(loose: Any) -> str:
    if type(loose) is not dict:
        raise _Hidden
    return str(Stamp(_single(int, loose.get("incarnation")), _single(int, loose.get("counter"))))


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise _Hidden from None


def _several(cls: Any, loose: Any) -> Any:
    if type(loose) is not list:
        raise _Hidden
    shown = [_value(cls, item) for item in loose[:MOST_ITEMS]]
    return [*shown, f"<{len(loose) - MOST_ITEMS} more>"] if len(loose) > MOST_ITEMS else shown


def _record(cls: type, loose: Any) -> Shown:
    if type(loose) is not dict:
        raise _Hidden
    declared = attrs.fields(attrs.resolve_types(cls))
    allowed = FIELDS.get(cls, frozenset())
    shown: Shown = {}
    for field in declared:
        if field.name in loose:
            value = loose[field.name]
            shown[field.name] = _field(field.type, value) if field.name in allowed else kind(value)
    unknown = len(loose) - len(shown)
    return {**shown, "...": f"<{unknown} unknown>"} if unknown else shown


def _field(cls: Any, value: Any) -> Any:
    try:
        return _value(cls, value)
    except _Hidden:
        return kind(value)


def kind(loose: Any) -> str | None:
    """Say what a value that JSON carried is, and how large, and no more.

    An empty text is shown as one, and nothing as nothing.
    """
    match loose:
        case str():
            size = counted(len(loose.encode("utf-8", "replace")), "byte")
            return f"<text, {size}>" if loose else ""
        case list():
            return f"<{counted(len(loose), 'item')}>"
        case dict():
            return f"<{counted(len(loose), 'field')}>"
        case None:
            return None
    return "<yes or no>" if isinstance(loose, bool) else "<number>"
