"""The YAML of a configuration file: keys, values, lines, and what is refused as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.config.document import Entry, Items, Kind, Nested, Scalar, read
from maasha.config.problems import ConfigurationErrors, Problem


def refused(text: str) -> Problem:
    """Read a text that is refused with one problem."""
    with pytest.raises(ConfigurationErrors) as caught:
        read(text)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n"])
def test_empty(text: str) -> None:
    """A file without keys is a file of defaults."""
    assert read(text) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("word", Kind.TEXT),
        ("'12'", Kind.TEXT),
        ("12", Kind.WHOLE),
        ("1.5", Kind.REAL),
        ("yes", Kind.FLAG),
        ("", Kind.EMPTY),
    ],
)
def test_scalars(text: str, kind: Kind) -> None:
    """A scalar keeps its text and what YAML takes it for."""
    assert read(f"# top\nkey: {text}\n") == (Entry("key", 2, 2, Scalar(2, text.strip("'"), kind)),)


def test_lists_know_the_lines_of_their_items() -> None:
    """Each item of a list has its own line; inner lists and mappings are only named."""
    (entry, other) = read("a:\n - x\n - [1]\n - {b: 1}\n\n# end\nb: {c: d}\n")
    assert entry.value == Items(
        2, (Scalar(2, "x", Kind.TEXT), Nested(3, "a list"), Nested(4, "a mapping"))
    )
    assert (entry.line, entry.last) == (1, 6)
    assert other == Entry("b", 7, 7, Nested(7, "a mapping"))


def test_tagged_values_are_never_constructed() -> None:
    """A value with a type of its own is read as no value at all."""
    (entry,) = read("a: !!python/object/apply:os.system [x]\n")
    assert entry.value == Items(1, (Scalar(1, "x", Kind.TEXT),))
    (entry,) = read("a: !mine x\n")
    assert entry.value == Nested(1, "of a type of its own")


def test_an_alias_stands_for_what_it_names() -> None:
    """An alias has the value of its anchor and the line of its own key."""
    first, second = read("a: &x 7\nb: *x\n")
    assert first.value == second.value
    assert (second.line, second.last) == (2, 2)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("- a\n- b\n", 1, "is not a mapping"),
        ("word", 1, "is not a mapping"),
        ("a: 1\nb: 2\na: 3\n", 3, "stands on line 1 too"),
        ("a: 1\n\tb: 2\n", 2, "the line is indented with a tab"),
        ("a: 1\nb: c: d\n", 2, "the file is not YAML (mapping values are not allowed here)"),
        ("a: 1\n---\nb: 1\n", 2, "the file is not YAML (but found another document)"),
        ("a: 1\nb: \x00\n", 2, "the file has a character that YAML forbids"),
        ("a: " + "[" * 1500, 1, "the file is nested too deeply"),
        ("%YAML 3.0\n---\na: 1", 1, "the file is not YAML (found incompatible YAML document"),
    ],
)
def test_refused_as_a_whole(text: str, line: int, what: str) -> None:
    """A file that is not one plain mapping is refused with the line that shows it."""
    problem = refused(text)
    assert problem.line == line
    assert problem.what.startswith(what)
    assert problem.mend


@pytest.mark.parametrize("text", ["pass: *hunter2\n", "pass: 'hunter2\n", 'pass: "hunter\\2"\n'])
def test_syntax_errors_never_quote_the_file(text: str) -> None:
    """What YAML quotes of a broken line may be a password, so it is left out."""
    assert "hunter" not in str(refused(text))


def test_a_key_that_is_no_name() -> None:
    """A list as a key is an unknown key, not a crash."""
    (entry,) = read("? [a]\n: 1\n")
    assert entry.key == "(not a name)"


@given(st.text(alphabet=st.sampled_from("ab:-[]{}#'\"\n\t *&!|>%@?,1\x07é")))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes reading fail in another way than the promised error."""
    lines = text.count("\n") + 1
    assert all(1 <= line <= lines + 1 for line in lines_told(text))


def lines_told(text: str) -> list[int]:
    """Give the lines of a text's keys, or those of its problems."""
    try:
        return [line for entry in read(text) for line in (entry.line, entry.last)]
    except ConfigurationErrors as errors:
        return [problem.line for problem in errors.problems]
