"""A form is a frozen record whose attributes say how each submitted field is parsed and documented.

An attribute is declared by `given` (must be there), `maybe` (`ABSENT` when not submitted) or
`several` (may be repeated). The declaration is the only place: parsing, the refusal of unknown
fields and the text of describe/ are made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar, cast

from attrs import field, fields, frozen

from maasha.api.errors import FieldErrors
from maasha.api.fields import shown

T = TypeVar("T")
F = TypeVar("F")
Submitted = Mapping[str, Sequence[str]]
"""Fields as they came: every name with its texts in order."""


class Absent(Enum):
    """The one value of a field that was not submitted (None can be a submitted value)."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Presence(Enum):
    """How often a field may be submitted."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    REPEATED = "repeated"


@frozen
class Parameter:
    """One field of a form: how its text is parsed (ValueError: why not) and what it means."""

    parse: Callable[[str], object]
    doc: str
    presence: Presence
    name: str = ""


def _declared(parse: Callable[[str], object], doc: str, presence: Presence) -> dict[str, Parameter]:
    return {"parameter": Parameter(parse, doc, presence)}


def given(parse: Callable[[str], T], doc: str) -> T:
    """Declare a field that must be submitted."""
    return cast("T", field(metadata=_declared(parse, doc, Presence.REQUIRED)))


def maybe(parse: Callable[[str], T], doc: str) -> T | Absent:
    """Declare a field that is `ABSENT` when it is not submitted."""
    return cast("T", field(default=ABSENT, metadata=_declared(parse, doc, Presence.OPTIONAL)))


def several(parse: Callable[[str], T], doc: str) -> tuple[T, ...]:
    """Declare a field that may be submitted any number of times; the value is a tuple."""
    metadata = _declared(parse, doc, Presence.REPEATED)
    return cast("tuple[T, ...]", field(default=(), metadata=metadata))


@frozen
class Nothing:
    """The form of an operation without fields."""


def parameters(form: type[Any]) -> tuple[Parameter, ...]:
    """List a form's fields in the order of their declaration."""
    declared = ((attribute.name, attribute.metadata["parameter"]) for attribute in fields(form))
    return tuple(
        Parameter(found.parse, found.doc, found.presence, name) for name, found in declared
    )


def either(value: T | Absent, otherwise: T) -> T:
    """Give the submitted value, or `otherwise` where there is none."""
    return otherwise if isinstance(value, Absent) else value


def read_form(form: type[F], submitted: Submitted) -> F:
    """Parse the submitted fields into a form; `FieldErrors` has everything wrong at once."""
    known = {parameter.name: parameter for parameter in parameters(form)}
    wrong: dict[str, tuple[str, ...]] = {
        name: (_unknown(name, tuple(known)),) for name in submitted if name not in known
    }
    values: dict[str, object] = {}
    for name, parameter in known.items():
        try:
            values.update(_value(parameter, submitted.get(name, ())))
        except ValueError as refused:
            wrong[name] = (str(refused),)
    if wrong:
        raise FieldErrors(wrong)
    return form(**values)


def _unknown(name: str, known: tuple[str, ...]) -> str:
    choices = f"the fields here are {', '.join(known)}" if known else "there are no fields here"
    return f"{shown(name)} is not a field of this operation; {choices}."


def _value(parameter: Parameter, texts: Sequence[str]) -> dict[str, object]:
    if parameter.presence is Presence.REPEATED:
        return {parameter.name: tuple(parameter.parse(text) for text in texts)}
    if len(texts) > 1:
        raise ValueError(f"{len(texts)} values were given; give it once.")
    if texts:
        return {parameter.name: parameter.parse(texts[0])}
    if parameter.presence is Presence.REQUIRED:
        raise ValueError(f"This field is required: {parameter.doc}")
    return {}
