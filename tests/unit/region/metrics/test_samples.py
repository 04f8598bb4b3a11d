"""What a worker counts has names, units and labels that Prometheus understands."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from twisted.protocols import amp

from maasha.db.figures import Balance
from maasha.region.metrics.families import labelled
from maasha.region.metrics.samples import EDGES, Pool, Rows, Vitals, histogram, samples
from maasha.region.tally import Tally
from maasha.rpc.commands import Own, Ping
from maasha.rpc.wire.metrics import BUCKETS, Metrics, Series
from tests.unit.region.metrics.scraped import Found, found, sample, text_of

IDLE = Vitals(
    links=0,
    suspect=0,
    round_trips=(),
    owned=0,
    drained=False,
    leads=False,
    tally=Tally(),
    wire=Metrics(),
    lag=Series(),
    pool=Pool(0, 0, {"connection": 0}),
    rows=Rows(),
)


def told(**what: Any) -> Found:
    """Give the samples of worker 0, of which this is known; all else is nought."""
    return found(text_of({0: samples(evolve(IDLE, **what))}))


def value(values: Found, name: str, **labels: str) -> float:
    """Give one."""
    return values[sample(name, worker="0", **labels)]


def test_links_and_their_round_trips() -> None:
    """The mean over the links, and the slowest one's."""
    values = told(links=3, suspect=1, round_trips=(0.002, 0.004), owned=2)
    assert value(values, "maasha_links") == 3
    assert value(values, "maasha_links_suspect") == 1
    assert value(values, "maasha_round_trip_mean_seconds") == pytest.approx(0.003)
    assert value(values, "maasha_round_trip_max_seconds") == 0.004
    assert value(values, "maasha_racks_owned") == 2


def test_without_a_round_trip_there_is_no_mean() -> None:
    """Nought would be a lie."""
    assert not [name for name, _ in told(links=1) if "round_trip" in name]


def test_load_needs_the_capacity() -> None:
    """Which is in a row; without the database both are left out."""
    values = told(links=3, rows=Rows(capacity=2.0))
    assert value(values, "maasha_worker_capacity") == 2.0
    assert value(values, "maasha_worker_load") == 1.5
    assert not [name for name, _ in told(links=3) if name.startswith("maasha_worker_load")]


def test_the_leader_tells_of_the_cluster() -> None:
    """Ratio and moves; before anything was noted there is no ratio."""
    values = told(leads=True, rows=Rows(1.0, Balance(1.08, 1, 5, 2)))
    assert value(values, "maasha_worker_leads") == 1
    assert value(values, "maasha_evenness_ratio") == 1.08
    outcomes = {
        outcome: value(values, "maasha_moves_last_hour", outcome=outcome)
        for outcome in ("open", "done", "failed")
    }
    assert outcomes == {"open": 1, "done": 5, "failed": 2}
    fresh = told(rows=Rows(1.0, Balance(None, 0, 0, 0)))
    assert sample("maasha_evenness_ratio", worker="0") not in fresh


def test_who_came_in_and_who_did_not() -> None:
    """Refusals by their reason."""
    values = told(tally=Tally(7, 2, Counter(WrongSecret=3, TokenUsed=1)))
    assert value(values, "maasha_registrations_total") == 7
    assert value(values, "maasha_registrations_put_off_total") == 2
    assert value(values, "maasha_refusals_total", reason="WrongSecret") == 3
    assert value(values, "maasha_refusals_total", reason="TokenUsed") == 1


def test_calls_by_outcome() -> None:
    """Each call has one; what met its deadline has failed, and is counted besides."""
    wire = Metrics(failed=3, expired=2, busy=1, queued=4, late=5)
    wire.answered[Own], wire.answered[Ping] = Series(), Series()
    wire.answered[Own].add(0.01, 6)
    wire.answered[Ping].add(0.001)
    values = told(wire=wire)
    outcomes = {
        outcome: value(values, "maasha_rpc_calls_total", outcome=outcome)
        for outcome in ("answered", "failed", "busy")
    }
    assert outcomes == {"answered": 7, "failed": 3, "busy": 1}
    assert value(values, "maasha_rpc_calls_expired_total") == 2
    assert value(values, "maasha_rpc_calls_queued_total") == 4
    assert value(values, "maasha_rpc_answers_late_total") == 5
    assert value(values, "maasha_rpc_call_seconds_count", command="Own") == 6
    assert value(values, "maasha_rpc_call_seconds_sum", command="Own") == pytest.approx(0.06)
    assert value(values, "maasha_rpc_call_seconds_count", command="Ping") == 1


def test_requests_and_detours() -> None:
    """The other way round, and what missed the fast path either way."""
    wire = Metrics(refused=2, held=3, unstarted=4)
    wire.call_detours, wire.answer_detours, wire.request_detours = 5, 6, 7
    wire.served[Ping] = Series()
    wire.served[Ping].add(0.0001)
    values = told(wire=wire)
    assert value(values, "maasha_rpc_requests_total", outcome="served") == 1
    assert value(values, "maasha_rpc_requests_total", outcome="refused") == 2
    assert value(values, "maasha_rpc_requests_held_total") == 3
    assert value(values, "maasha_rpc_requests_unstarted_total") == 4
    assert value(values, "maasha_rpc_request_seconds_count", command="Ping") == 1
    assert [value(values, "maasha_rpc_detours_total", kind=kind) for kind in KINDS] == [5, 6, 7]


KINDS = ("call", "answer", "request")


def test_the_pool_and_who_waits() -> None:
    """For a connection, or for a lane's turn."""
    values = told(pool=Pool(8, 5, {"connection": 2, "acting": 3}))
    assert value(values, "maasha_database_connections") == 8
    assert value(values, "maasha_database_connections_in_use") == 5
    assert value(values, "maasha_database_waiting", what="connection") == 2
    assert value(values, "maasha_database_waiting", what="acting") == 3


def test_buckets_are_cumulative_and_none_is_lost() -> None:
    """Whatever a duration is, it counts below every edge that it is below."""
    series = Series()
    durations = [0.0, 1e-6, 63e-6, 64e-6, 0.001, 0.0159, 1.0, 70.0, 1e5]
    for duration in durations:
        series.add(duration)
    (family,) = [histogram("seconds", "Durations.", [(labelled(), series)])]
    buckets = [each for each in family.samples if each.suffix == "_bucket"]
    edges = [float(each.labels[-1].value) for each in buckets]
    assert len(buckets) == len(EDGES) + 1
    assert edges[-1] == float("inf")
    assert all(low < high for low, high in pairwise(edges))
    for edge, bucket in zip(edges, buckets, strict=True):
        assert bucket.value == sum(duration < edge for duration in durations)
    count, total = family.samples[-2:]
    assert (count.suffix, count.value) == ("_count", len(durations))
    assert total.suffix == "_sum"
    assert total.value == pytest.approx(sum(durations))


def test_every_edge_is_counted_by_the_wire() -> None:
    """An edge is the upper end of one of its buckets."""
    assert max(EDGES) < BUCKETS - 1


def test_a_command_may_have_any_name() -> None:
    """What is no text is shown as people write bytes."""

    class Odd(amp.Command):
        """Somebody else's."""

        commandName = b"\xff\x01"

    wire = Metrics(served={Odd: Series()})
    assert value(told(wire=wire), "maasha_rpc_request_seconds_count", command="\\xff\x01") == 0
