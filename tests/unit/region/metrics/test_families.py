"""Workers hand each other their figures as bytes; what is no figures is nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.region.metrics.families import (
    VERSION,
    Family,
    Kind,
    Label,
    Sample,
    counters,
    gauge,
    labelled,
    read,
    written,
)

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
labels = st.lists(st.builds(Label, words, words), max_size=2).map(tuple)
samples = st.lists(st.builds(Sample, words, labels, numbers), max_size=3).map(tuple)
families = st.lists(st.builds(Family, words, st.sampled_from(Kind), words, samples), max_size=3)

ONE = (gauge("links", "Links.", 2), counters("calls", "Calls.", [(labelled(a="b"), 3)]))


@given(families.map(tuple))
def test_what_is_written_is_read(told: tuple[Family, ...]) -> None:
    """Whatever the names and values are."""
    assert read(written(told)) == told


@given(st.integers(0, len(written(ONE)) - 1))
def test_what_is_cut_off_is_nothing(end: int) -> None:
    """A worker may be killed while it tells."""
    assert read(written(ONE)[:end]) is None


@pytest.mark.parametrize("data", [b"\xff", b"[]", b'{"version": 1, "families": [1]}'])
def test_garbage_is_nothing(data: bytes) -> None:
    """It is not an error of whoever asks."""
    assert read(data) is None


def test_another_version_is_nothing() -> None:
    """Its figures may mean something else."""
    told = json.loads(written(ONE))
    told["version"] = VERSION + 1
    assert read(json.dumps(told).encode()) is None


def test_a_counter_ends_in_total() -> None:
    """Prometheus wants it so, and the family without it."""
    _, calls = ONE
    assert (calls.name, calls.kind, calls.samples[0].suffix) == ("calls", Kind.COUNTER, "_total")
