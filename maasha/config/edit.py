"""Changes single keys in the text of a configuration file and leaves the rest as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import yaml

from maasha.config.document import Entry, Items, Nested, Scalar, Value, read
from maasha.config.problems import ConfigurationErrors, Problem

Setting = str | int | float | tuple[str, ...]


def with_keys(text: str, settings: Mapping[str, Setting]) -> str:
    """Give the text with each key set to its value: replaced where it stands, else at the end.

    Other keys, comments and their order are kept. Raises `ConfigurationErrors` when the text is
    not readable, or is written in a form that cannot be changed line by line.
    """
    for key, setting in settings.items():
        text = _with_key(text, key, setting)
    return text


def _with_key(text: str, key: str, setting: Setting) -> str:
    entry = next((entry for entry in read(text) if entry.key == key), None)
    lines = text.splitlines(keepends=True)
    start, end = _place(entry, lines)
    if start and not lines[start - 1].endswith("\n"):
        lines[start - 1] += "\n"
    changed = "".join([*lines[:start], _rendered(key, setting), *lines[end:]])
    if _meaning(changed) != _meaning(text) | {key: _wanted(setting)}:
        mend = f"set {key} there by hand, one key per line"
        problem = Problem(start + 1, key, "", "stands where it cannot be replaced", mend)
        raise ConfigurationErrors([problem])
    return changed


def _place(entry: Entry | None, lines: list[str]) -> tuple[int, int]:
    """Give the lines (from, before) that a key takes up, comments after its value left out."""
    if entry is None:
        return len(lines), len(lines)
    start, end = entry.line - 1, min(entry.last, len(lines))
    while end > start + 1 and lines[end - 1].lstrip()[:1] in ("", "#"):
        end -= 1
    return start, end


def _rendered(key: str, setting: Setting) -> str:
    value = list(setting) if isinstance(setting, tuple) else setting
    return yaml.safe_dump({key: value}, allow_unicode=True, width=10_000)


def _meaning(text: str) -> dict[str, str | tuple[str, ...]]:
    """Give what each key says, wherever it stands; nothing for a text that is not readable."""
    try:
        return {entry.key: _said(entry.value) for entry in read(text)}
    except ConfigurationErrors:
        return {}


def _said(value: Value) -> str | tuple[str, ...]:
    match value:
        case Scalar():
            return value.text
        case Nested():
            return value.what
        case Items():
            return tuple(str(_said(item)) for item in value.items)
        case _:
            assert_never(value)


def _wanted(setting: Setting) -> str | tuple[str, ...]:
    return setting if isinstance(setting, tuple) else str(setting)
