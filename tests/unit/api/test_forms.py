from __future__ import annotations

import pytest
from attrs import frozen
from hypothesis import given as for_all
from hypothesis import strategies as st

from maasha.api.errors import FieldErrors
from maasha.api.fields import boolean, integer, text
from maasha.api.forms import (
    ABSENT,
    Absent,
    Nothing,
    Presence,
    either,
    given,
    maybe,
    parameters,
    read_form,
    several,
)

PARSERS = {"count": integer(1, 9), "flag": boolean, "label": text}


@frozen(kw_only=True)
class Example:
    """A form with each kind of field."""

    count: int = given(integer(1, 9), "How many.")
    flag: bool | Absent = maybe(boolean, "Whether.")
    label: tuple[str, ...] = several(text, "Called.")


def test_values() -> None:
    """A form has the parsed values, and ABSENT or nothing where none was submitted."""
    assert read_form(Example, {"count": ["3"]}) == Example(count=3, flag=ABSENT, label=())
    full = {"count": ["3"], "flag": ["true"], "label": ["a", "b"]}
    assert read_form(Example, full) == Example(count=3, flag=True, label=("a", "b"))


def test_all_errors_at_once() -> None:
    """Every wrong, missing, repeated and unknown field is named in one refusal."""
    with pytest.raises(FieldErrors) as caught:
        read_form(Example, {"flag": ["perhaps"], "label": ["a\0"], "colour": ["red"]})
    assert set(caught.value.fields) == {"count", "flag", "label", "colour"}
    assert "count, flag, label" in caught.value.fields["colour"][0]
    assert "How many." in caught.value.fields["count"][0]
    assert "colour" in str(caught.value)


def test_repeated() -> None:
    """A field that is given twice is refused, not decided by order."""
    with pytest.raises(FieldErrors, match="2 values"):
        read_form(Example, {"count": ["1", "2"]})


def test_nothing_takes_nothing() -> None:
    """An operation without fields refuses every field."""
    assert read_form(Nothing, {}) == Nothing()
    with pytest.raises(FieldErrors, match="there are no fields here"):
        read_form(Nothing, {"a": ["1"]})


def test_parameters() -> None:
    """A form says for describe/ what it takes, in order."""
    found = [(each.name, each.presence) for each in parameters(Example)]
    assert found == [
        ("count", Presence.REQUIRED),
        ("flag", Presence.OPTIONAL),
        ("label", Presence.REPEATED),
    ]


def test_either() -> None:
    """A submitted value wins over the other, also when it is None."""
    assert either(ABSENT, 1) == 1
    assert either(None, 1) is None


@for_all(st.dictionaries(st.sampled_from([*PARSERS, "x"]), st.lists(st.text(max_size=6))))
def test_every_submission_parses_or_names_its_fields(submitted: dict[str, list[str]]) -> None:
    """A refusal names exactly the fields whose texts do not parse, are missing or unknown."""
    wrong = set(submitted) - set(PARSERS)
    for name, parse in PARSERS.items():
        texts = submitted.get(name, [])
        repeated = name != "label" and len(texts) > 1
        missing = name == "count" and not texts
        if repeated or missing or not all(_parses(parse, each) for each in texts):
            wrong.add(name)
    if not wrong:
        read_form(Example, submitted)
        return
    with pytest.raises(FieldErrors) as caught:
        read_form(Example, submitted)
    assert set(caught.value.fields) == wrong


def _parses(parse: object, submitted: str) -> bool:
    assert callable(parse)
    try:
        parse(submitted)
    except ValueError:
        return False
    return True
