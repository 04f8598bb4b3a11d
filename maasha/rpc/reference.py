"""The tables of docs/protocol.md, made from the commands: `python -m maasha.rpc.reference FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import attrs

from maasha.rpc.arguments import Record
from maasha.rpc.commands import (
    BOTH_WAYS,
    HANDSHAKE,
    RACK_TO_REGION,
    REGION_TO_RACK,
    Call,
)
from maasha.rpc.errors import TRAVELLING

BEGIN = "<!-- made by maasha.rpc.reference: begin -->"
END = "<!-- made by maasha.rpc.reference: end -->"

GROUPS: tuple[tuple[str, tuple[type[Call], ...]], ...] = (
    ("Handshake, rack to region", HANDSHAKE),
    ("Both ways, from the proof on", BOTH_WAYS),
    ("Region to rack, once registered", REGION_TO_RACK),
    ("Rack to region, once registered", RACK_TO_REGION),
)
FORMS = {
    "str": "text",
    "int": "number",
    "float": "number",
    "bool": "true or false",
    "datetime": "time in ISO 8601 with its offset",
    "NoneType": "null",
}


def tables() -> str:
    """Write the commands, the errors and the records as Markdown."""
    parts = [f"### {title}\n\n{_commands(group)}" for title, group in GROUPS]
    parts.append(f"### Errors\n\n{_errors()}")
    parts.append(f"### Records\n\n{_records()}")
    return "\n\n".join(parts)


def refreshed(page: str) -> str:
    """Put the tables between the two marks of a page."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _commands(group: tuple[type[Call], ...]) -> str:
    lines = ["| command | arguments | answer | errors |", "|---|---|---|---|"]
    return "\n".join(lines + [_command(command) for command in group])


def _command(command: type[Call]) -> str:
    name = f"`{command.commandName.decode()}`: {' '.join((command.__doc__ or '').split())}"
    errors = ", ".join(error.__name__ for error in command.errors if error not in Call.errors)
    cells = (name, _arguments(command.arguments), _arguments(command.response), errors)
    return f"| {' | '.join(cell or '-' for cell in cells)} |"


def _arguments(declared: list[tuple[bytes, Any]]) -> str:
    return "<br>".join(
        f"`{name.decode()}`: {_shape(argument)}{' or absent' if argument.optional else ''}"
        for name, argument in declared
    )


def _shape(argument: Any) -> str:
    if isinstance(argument, Record):
        return f"JSON, {_form(argument.cls)}"
    return str(argument.shape)


def _errors() -> str:
    lines = ["| code | fields | meaning |", "|---|---|---|"]
    for error in TRAVELLING:
        fields = "<br>".join(_fields(error)) or "-"
        lines.append(f"| `{error.__name__}` | {fields} | {_first_line(error)} |")
    return "\n".join(lines)


def _records() -> str:
    found: dict[type, None] = {}
    for _, group in GROUPS:
        for command in group:
            for _, argument in (*command.arguments, *command.response):
                if isinstance(argument, Record):
                    _collect(argument.cls, found)
    for error in TRAVELLING:
        for field in attrs.fields(attrs.resolve_types(error)):
            _collect(field.type, found)
    return "\n".join(f"- **{cls.__name__}**: {_definition(cls)}" for cls in sorted(found, key=str))


def _collect(cls: Any, found: dict[type, None]) -> None:
    """Find the records and enumerations that a type is made of."""
    for part in get_args(cls):
        _collect(part, found)
    if cls in found or not isinstance(cls, type):
        return
    if issubclass(cls, Enum):
        found[cls] = None
    elif attrs.has(cls):
        found[cls] = None
        for field in attrs.fields(attrs.resolve_types(cls)):
            _collect(field.type, found)


def _definition(cls: type) -> str:
    if issubclass(cls, Enum):
        return " or ".join(f'"{member.value}"' for member in cls)
    return ", ".join(_fields(cls))


def _fields(cls: type) -> Iterator[str]:
    for field in attrs.fields(attrs.resolve_types(cls)):
        yield f"`{field.name}` {_form(field.type)}"


def _form(cls: Any) -> str:
    """Name a type as JSON shows it."""
    parts = [part for part in get_args(cls) if part is not ...]
    if parts and getattr(cls, "__origin__", None) is tuple:
        return f"list of {_form(parts[0])}"
    if parts:
        return " or ".join(_form(part) for part in parts)
    name: str = getattr(cls, "__supertype__", cls).__name__
    return FORMS.get(name, name)


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").splitlines()[0]


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(refreshed(page.read_text()))
