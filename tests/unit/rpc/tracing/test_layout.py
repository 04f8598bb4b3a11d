"""Lines of a trace fit a terminal and read well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.rpc.tracing.layout import Layout, duration, flat
from maasha.rpc.tracing.line import Kind, Line

QUESTION = Line(
    datetime(2025, 3, 1, 10, 21, 4, 518_900, UTC),
    "region:pid=812",
    "10.0.0.10:5250",
    Kind.QUESTION,
    command="ReportLeases",
    ask="1f",
    trace="9c1e05aa-2.1f",
    within=10.0,
    values={"report": {"cursor": 12, "leases": "<3 items>"}},
)
ANSWER = evolve(
    QUESTION, kind=Kind.ANSWER, sent=False, trace="", within=None, took=0.0029, values={}
)


def written(line: Line, width: int = 100, **options: Any) -> list[str]:
    """Lay one line out."""
    return Layout(width, UTC, **options).written(line).splitlines()


def test_a_question_and_its_answer() -> None:
    """What belongs to the call stands in its head, what was said behind or below it."""
    assert written(QUESTION) == [
        "10:21:04.518  region:pid=812 → ReportLeases #1f  (within 10 s, trace 9c1e05aa-2.1f)",
        "              report: {cursor: 12, leases: <3 items>}",
    ]
    assert written(ANSWER) == ["10:21:04.518  region:pid=812 ← ReportLeases #1f  ok  after 2.9 ms"]
    short = evolve(ANSWER, values={"cursor": 12})
    assert written(short)[0].endswith("#1f  ok  after 2.9 ms  cursor: 12")


def test_an_error_has_its_code_and_its_message() -> None:
    """Or its fields, where the message may not be shown."""
    error = evolve(ANSWER, kind=Kind.ERROR, code="NotOwner", message="ask another")
    assert written(error)[0].endswith("#1f  FAILED NotOwner  after 2.9 ms  ask another")
    hidden = evolve(error, message="", values={"reason": "<text, 5 bytes>"})
    assert written(hidden)[1:] == ["              reason: <text, 5 bytes>"]


def test_an_answer_to_nobody_knows_whom() -> None:
    """Its question was asked before the trace began."""
    late = evolve(ANSWER, command="", took=None)
    assert written(late) == ["10:21:04.518  region:pid=812 ← ? #1f  ok"]


def test_withdrawals_noise_and_notes() -> None:
    """What is no question and no answer."""
    taken_back = evolve(ANSWER, kind=Kind.WITHDRAWAL, took=None)
    assert written(taken_back)[0].endswith("← ReportLeases #1f  taken back")
    noise = Line(QUESTION.time, "r", "", Kind.NOISE, sent=False, message="not AMP")
    assert written(noise) == ["10:21:04.518  r ← not AMP"]
    note = Line(QUESTION.time, "r", "", Kind.NOTE, message="connected")
    assert written(note) == ["10:21:04.518  r · connected"]
    assert written(note, plain=True) == ["10:21:04.518  r -- connected"]
    assert written(QUESTION, plain=True)[0][29:31] == "->"


def test_time_is_the_hosts_own() -> None:
    """In its zone."""
    layout = Layout(100, timezone(timedelta(hours=-3)))
    assert layout.written(ANSWER).startswith("07:21:04.518")
    assert Layout(100).written(ANSWER)[2] == ":"


def test_links_stand_below_each_other() -> None:
    """The column is as wide as the widest so far."""
    layout = Layout(100, UTC)
    layout.written(evolve(ANSWER, link="a-long-region-name:pid=1"))
    assert layout.written(evolve(ANSWER, link="r")).index("←") == 14 + 24 + 1


words = st.text("abcé→<>.-", min_size=1, max_size=40)
loose: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**6) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(words, loose, max_size=6), st.integers(20, 140))
def test_no_line_is_wider_than_the_terminal(values: dict[str, Any], width: int) -> None:
    """And whatever was said is there, in its order."""
    lines = written(evolve(QUESTION, values=values), width)
    assert all(len(line) <= max(width, 60) for line in lines)
    said = flat(values)[1:-1]
    shown = "".join("".join(lines).split())
    assert shown.endswith("".join(said.replace("\N{NO-BREAK SPACE}", "").split()))


def test_what_belongs_together_is_not_broken() -> None:
    """A name and its value, a kind and its size."""
    values = {f"field{number}": "<text, 36 bytes>" for number in range(9)}
    for line in written(evolve(QUESTION, values=values), 80)[1:]:
        assert line.count("field") == line.count("bytes>")


def test_values_have_as_few_quotes_as_can_be() -> None:
    """A text that could be taken for something else has them."""
    values: dict[str, Any] = {
        "a": [1, True, None, "x.y-1", "two words", ""],
        "b": {},
        "c": "",
        "d": None,
    }
    shown = flat(values).replace("\N{NO-BREAK SPACE}", " ")
    assert shown == '{a: [1, true, null, x.y-1, "two words", ""], b: {}}'


def test_durations_have_three_digits_or_so() -> None:
    """In the unit that people would choose."""
    assert [duration(seconds) for seconds in (0.00012, 0.0049, 0.25, 1.5, 9.994, 120)] == [
        "0.1 ms",
        "4.9 ms",
        "250 ms",
        "1.50 s",
        "9.99 s",
        "120 s",
    ]
