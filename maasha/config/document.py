"""Reads the YAML of a configuration file into keys and values that know their lines."""

from __future__ import annotations

import re
from enum import Enum

import yaml
from attrs import frozen

from maasha.config.problems import ConfigurationErrors, Problem


class Kind(Enum):
    """What YAML 1.1 takes a scalar for."""

    TEXT = "text"
    WHOLE = "int"
    REAL = "float"
    FLAG = "bool"
    EMPTY = "null"


@frozen
class Scalar:
    """A single value, as it was written (`text`) and as YAML takes it (`kind`)."""

    line: int
    text: str
    kind: Kind


@frozen
class Nested:
    """A value with an inner structure that no key has; `what` names it."""

    line: int
    what: str


@frozen
class Items:
    """A list."""

    line: int
    items: tuple[Scalar | Nested, ...]


Value = Scalar | Items | Nested


@frozen
class Entry:
    """A top-level key with its value; the value takes up the lines from `line` to `last`."""

    key: str
    line: int
    last: int
    value: Value


_KINDS = {
    "tag:yaml.org,2002:str": Kind.TEXT,
    "tag:yaml.org,2002:int": Kind.WHOLE,
    "tag:yaml.org,2002:float": Kind.REAL,
    "tag:yaml.org,2002:bool": Kind.FLAG,
    "tag:yaml.org,2002:null": Kind.EMPTY,
}


def read(text: str) -> tuple[Entry, ...]:
    """Give the top-level keys of a YAML text in their order; an empty text has none.

    Raises `ConfigurationErrors` when the text is not one YAML mapping or names a key twice.
    """
    root = _compose(text)
    if root is None or _KINDS.get(root.tag) is Kind.EMPTY:
        return ()
    if not isinstance(root, yaml.MappingNode):
        raise _whole_file(_line(root), "is not a mapping", "write lines of the form 'key: value'")
    entries = tuple(_entry(key, value) for key, value in root.value)
    if repeated := tuple(_repeated(entries)):
        raise ConfigurationErrors(repeated)
    return entries


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        mend = "save the file as plain UTF-8 text"
        raise _whole_file(line, "the file has a character that YAML forbids", mend) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from None
    except RecursionError:
        raise _whole_file(1, "the file is nested too deeply", "no key needs that") from None


def _not_yaml(error: yaml.MarkedYAMLError) -> ConfigurationErrors:
    """Say where YAML gave up, without the words it quotes: they may be part of a secret."""
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    problem = error.problem or ""
    if "'\\t'" in problem:
        return _whole_file(line, "the line is indented with a tab", "indent with spaces")
    reason = re.split(r",? but found|\s*['\"]", problem)[0]
    mend = "see this line and the one above: keys are 'key: value', odd values stand in quotes"
    return _whole_file(line, f"the file is not YAML ({reason})", mend)


def _whole_file(line: int, what: str, mend: str) -> ConfigurationErrors:
    return ConfigurationErrors([Problem(line, "", "", what, mend)])


def _entry(key: yaml.Node, value: yaml.Node) -> Entry:
    line = _line(key)
    name = str(key.value) if isinstance(key, yaml.ScalarNode) else "(not a name)"
    # A block value's mark stands where the next token begins, in its first column.
    last = value.end_mark.line + (value.end_mark.column > 0)
    return Entry(name, line, max(line, last), _value(value))


def _value(node: yaml.Node) -> Value:
    if isinstance(node, yaml.SequenceNode):
        return Items(_line(node), tuple(_item(item) for item in node.value))
    return _item(node)


def _item(node: yaml.Node) -> Scalar | Nested:
    if isinstance(node, yaml.SequenceNode):
        return Nested(_line(node), "a list")
    kind = _KINDS.get(node.tag)
    if not isinstance(node, yaml.ScalarNode):
        return Nested(_line(node), "a mapping")
    if kind is None:
        return Nested(_line(node), "of a type of its own")
    return Scalar(_line(node), node.value, kind)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _repeated(entries: tuple[Entry, ...]) -> list[Problem]:
    first: dict[str, int] = {}
    problems = []
    for entry in entries:
        line = first.setdefault(entry.key, entry.line)
        if line != entry.line:
            mend = "keep one of the two"
            problems.append(Problem(entry.line, entry.key, "", f"stands on line {line} too", mend))
    return problems
