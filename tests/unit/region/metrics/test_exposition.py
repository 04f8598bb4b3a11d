"""The figures of all workers are one text, in which every sample has its worker."""

from __future__ import annotations

from maasha.region.metrics.exposition import CONTENT_TYPE
from maasha.region.metrics.families import counters, gauge, labelled
from maasha.region.metrics.samples import histogram
from maasha.rpc.wire.metrics import Series
from tests.unit.region.metrics.scraped import found, sample, text_of


def test_each_sample_has_its_worker() -> None:
    """And one family has the samples of all workers."""
    text = text_of({0: (gauge("links", "Links.", 2),), 1: (gauge("links", "Links.", 3),)})
    assert found(text) == {
        sample("maasha_worker_up", worker="0"): 1.0,
        sample("maasha_worker_up", worker="1"): 1.0,
        sample("links", worker="0"): 2.0,
        sample("links", worker="1"): 3.0,
    }
    assert text.count(b"# TYPE links gauge\n") == 1
    assert text.count(b"# HELP links Links.\n") == 1


def test_a_worker_that_told_nothing_is_not_up() -> None:
    """It is named all the same."""
    values = found(text_of({0: (), 1: None}))
    assert values == {
        sample("maasha_worker_up", worker="0"): 1.0,
        sample("maasha_worker_up", worker="1"): 0.0,
    }


def test_labels_are_escaped() -> None:
    """A command's name comes from third parties."""
    odd = 'a"b\\c\nd'
    calls = counters("calls", "Calls.", [(labelled(command=odd), 1)])
    text = text_of({2: (calls,)})
    assert b"# TYPE calls_total counter\n" in text
    assert found(text)[sample("calls_total", command=odd, worker="2")] == 1.0


def test_histograms_of_two_workers_stand_beside_each_other() -> None:
    """Each with its own buckets."""
    quick, slow = Series(), Series()
    quick.add(0.001)
    slow.add(1.0, 3)
    told = {
        slot: (histogram("call_seconds", "Calls.", [(labelled(), series)]),)
        for slot, series in enumerate((quick, slow))
    }
    values = found(text_of(told))
    assert values[sample("call_seconds_count", worker="0")] == 1.0
    assert values[sample("call_seconds_sum", worker="1")] == 3.0


def test_the_content_type_is_that_of_the_text_format() -> None:
    """With its version."""
    assert CONTENT_TYPE.startswith("text/plain; version=")
