"""Codecs made once per Command: functions that write and read its boxes without a loop.

The generated source takes the keys in the order in which AMP sorts them. A box in any other order,
with unknown keys or with broken values is a *miss*: the general code looks at it.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import frozen
from twisted.protocols import amp

from maasha.rpc.wire.context import DEADLINE_KEY
from maasha.rpc.wire.errors import MessageTooLong
from maasha.rpc.wire.fields import LENGTHS, NAMES, Field

ANSWER = b"\0\x07_answer"
ASK = b"\0\x04_ask"
COMMAND = b"\0\x08_command"

LARGE = 8192
"""Bytes of a box that does not wait for the end of the turn: a turn may have thousands."""

Command = type[amp.Command]
Encoded = Callable[..., bytes]
Answered = Callable[[bytes, int, Any], tuple[int, dict[str, Any]] | None]
Part = bytes | str
Serve = Callable[[Any, Any, bytes, int, bytes, list[bytes]], int]


@frozen(eq=False)
class Codec:
    """What the fast path does with one command."""

    command: Command
    urgent: bool
    """Neither limits nor queues hold it up."""
    cancellable: bool
    """Whether work on it may end halfway when its caller gives up."""
    ask: Encoded
    """(tag, header, keyword arguments, protocol) -> the box of a call."""
    reply: Encoded
    """(token with its length bytes, answer, protocol) -> the box of an answer."""
    answered: Answered
    """(buffer, position after the tag, protocol) -> (position after the box, answer) or None."""
    head: bytes
    """What a request with a deadline has between its token and the length of that deadline."""
    first: bytes
    """Key of the first argument where it is always there, which `serve` expects to be read."""
    arguments: tuple[Field, ...]
    response: tuple[Field, ...]


def codec_of(command: Command) -> Codec | None:
    """Give the codec of a command, None for one that has its own ideas of boxes."""
    try:
        return CODECS[command]
    except KeyError:
        return CODECS.setdefault(command, _made(command))


CODECS: dict[Command, Codec | None] = {}
"""Made so far."""


def errors_of(command: Command) -> dict[bytes, type[Exception]]:
    """Give the errors that a command declares by their codes."""
    known: dict[bytes, type[Exception]] = command.reverseErrors  # type: ignore[attr-defined]  # made by its metaclass
    return known


def server_of(codec: Codec, responder: Callable[..., Any]) -> Serve:
    """Make the function that reads a request, calls the responder and appends the answer's box.

    It takes (protocol, the responder's `self`, buffer, position after `Codec.first`, token with
    its length bytes, list for the box) and gives the position after the request, 0 for a miss.
    """
    keys = codec.arguments
    given = ", ".join(f"{field.python}=a{field.index}" for field in keys)
    body = [
        "try:",
        *_indented(_reading(keys, bool(codec.first))),
        "except Exception: return MISS",
        "try:",
        f"    o = respond(owner, {given})",
        "except BaseException:",
        "    proto.request_failed(codec, token)",
        "    return q",
        "if o.__class__ is dict:",
        "    try:",
        *_indented(_indented(_writing(codec.response))),
        f"        box = {_joined(_answer_parts(codec.response))}",
        *_indented(_indented(_bounded(codec.response))),
        "        out.append(box)",
        *_indented(_indented(_flushed(codec.response))),
        "        return q",
        "    except Exception: pass",
        "proto.request_unusual(codec, token, o)",
        "return q",
    ]
    names = {
        "respond": responder,
        "codec": codec,
        "MISS": 0,
        "command": codec.command.commandName.decode(),
        "LARGE": LARGE,
    }
    head = "serve(proto, owner, buf, q, token, out)"
    serve: Serve = _function(head, body, codec.response, keys, names)
    return serve


def _made(command: Command) -> Codec | None:
    arguments = _fields(command.arguments, 0)
    response = _fields(command.response, len(arguments))
    if not (_is_stock(command) and _fits(arguments) and _fits(response)):
        return None
    return Codec(
        command,
        getattr(command, "urgent", False),
        getattr(command, "cancellable", False),
        _asking(command, arguments),
        _replying(command, response),
        _answering(response),
        _start(command) + DEADLINE_KEY,
        arguments[0].key if arguments and arguments[0].inline else b"",
        arguments,
        response,
    )


def _is_stock(command: Command) -> bool:
    """Whether the command leaves all its hooks to amp.Command."""
    hooks = ("makeArguments", "makeResponse", "parseArguments", "parseResponse")
    return (
        command.commandType is amp.AmpBox
        and command.responseType is amp.AmpBox
        and bool(command.requiresAnswer)
        and command.__init__ is amp.Command.__init__
        and command._doCommand is amp.Command._doCommand
        and all(getattr(command, hook).__func__ is _stock_hook(hook) for hook in hooks)
    )


def _stock_hook(name: str) -> object:
    return getattr(amp.Command, name).__func__


def _fields(declared: Sequence[tuple[bytes, Any]], start: int) -> tuple[Field, ...]:
    ordered = sorted(declared, key=lambda pair: pair[0])
    return tuple(Field(i, name, argument) for i, (name, argument) in enumerate(ordered, start))


def _fits(fields: Sequence[Field]) -> bool:
    names = [field.python for field in fields]
    return (
        len(set(names)) == len(names)
        and all(name.isidentifier() and not keyword.iskeyword(name) for name in names)
        and all(field.plain and 0 < len(field.name) < 256 for field in fields)
        and not any(field.name.startswith(b"_") for field in fields)
    )


def _asking(command: Command, fields: Sequence[Field]) -> Encoded:
    required = [field for field in fields if not field.optional]
    check = (
        f"if len(o) != {len(fields)}: raise TypeError"
        if len(required) == len(fields)
        else "if not NAMES.issuperset(o): raise TypeError"
    )
    parts = [ASK, "LENGTHS[len(tag)]", "tag", _start(command), "header", *_pairs(fields)]
    body = [check, *_writing(fields), f"box = {_joined(parts)}", *_bounded(fields), "return box"]
    names = {
        "NAMES": frozenset(field.python for field in fields),
        "command": command.commandName.decode(),
    }
    made: Encoded = _function("ask(tag, header, o, proto)", body, fields, (), names)
    return made


def _start(command: Command) -> bytes:
    name = command.commandName
    return COMMAND + LENGTHS[len(name)] + name


def _replying(command: Command, fields: Sequence[Field]) -> Encoded:
    box = f"box = {_joined(_answer_parts(fields))}"
    body = [*_writing(fields), box, *_bounded(fields), "return box"]
    names = {"command": command.commandName.decode()}
    made: Encoded = _function("reply(token, o, proto)", body, fields, (), names)
    return made


def _answering(fields: Sequence[Field]) -> Answered:
    values = ", ".join(f"{field.python!r}: a{field.index}" for field in fields)
    body = [
        "try:",
        *_indented(_reading(fields, False)),
        f"    return q, {{{values}}}",
        "except Exception: return MISS",
    ]
    made: Answered = _function("answered(buf, q, proto)", body, (), fields, {"MISS": None})
    return made


def _bounded(fields: Sequence[Field]) -> list[str]:
    """Check the length of a box that may be longer than its keys are many."""
    if not any(field.spread for field in fields):
        return []
    return [
        "if len(box) > proto.limits.message:",
        "    raise TooLong(command, len(box), proto.limits.message)",
    ]


def _flushed(fields: Sequence[Field]) -> list[str]:
    """Write large answers as they come."""
    if all(field.short for field in fields):
        return []
    return ["if len(box) > LARGE: proto.flush()"]


def _answer_parts(fields: Sequence[Field]) -> list[Part]:
    return [ANSWER, "token", *_pairs(fields)]


def _pairs(fields: Sequence[Field]) -> Iterator[Part]:
    for field in fields:
        if field.inline:
            yield LENGTHS[len(field.name)] + field.name
            yield f"({field.length()})"
            yield f"v{field.index}"
        else:
            yield f"p{field.index}"
    yield b"\0\0"


def _joined(parts: Sequence[Part]) -> str:
    """Give one expression for all parts: bytes stand for themselves, strings are expressions."""
    template, values = b"", []
    for part in parts:
        if isinstance(part, bytes):
            template += part.replace(b"%", b"%%")
        else:
            template += b"%b"
            values.append(part)
    return f"{template!r} % ({', '.join(values)},)"


def _writing(fields: Sequence[Field]) -> list[str]:
    return [line for field in fields for line in field.writing()]


def _reading(fields: Sequence[Field], first_is_read: bool) -> list[str]:
    lines = [
        line
        for place, field in enumerate(fields)
        for line in field.reading(first_is_read and place == 0)
    ]
    return [*lines, "if buf[q:q + 2] != b'\\0\\0': return MISS", "q += 2"]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _function(
    head: str,
    body: Sequence[str],
    written: Sequence[Field],
    read: Sequence[Field],
    names: dict[str, Any],
) -> Any:
    """Compile one function; its globals are what the fields and `names` need."""
    space = {**NAMES, "TooLong": MessageTooLong, **names}
    for field in (*written, *read):
        field.bind(space)
    source = "\n".join([f"def {head}:", *_indented(body)])
    exec(compile(source, f"<{head}>", "exec"), space)  # noqa: S102  # made of declarations only
    return space[head.partition("(")[0]]
