"""What the counters of one worker are called: from plain values to figures.

Durations are histograms whose edges are every second power of two microseconds, as far as
`maasha.rpc.wire.metrics` counts them; times of all kinds are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from attrs import frozen

from maasha.db.figures import Balance
from maasha.region.metrics.families import (
    Family,
    Kind,
    Label,
    Sample,
    counter,
    counters,
    gauge,
    gauges,
    labelled,
)
from maasha.region.tally import Tally
from maasha.rpc.wire.metrics import MICRO, Command, Metrics, Series

EDGES = range(6, 28, 2)
"""Powers of two of the buckets' upper ends: 64 µs, 256 µs, ... 67 s. All 32 buckets of a series
would be 1,000 samples per worker that nobody tells apart."""
Durations = Iterable[tuple[tuple[Label, ...], Series]]


@frozen
class Rows:
    """What the database says; `balance` is the cluster's, and the leader's to tell."""

    capacity: float | None = None
    balance: Balance | None = None


@frozen
class Pool:
    """What a worker's database connections do, and how many units of work wait, for what."""

    open: int
    in_use: int
    waiting: Mapping[str, int]


@frozen
class Vitals:
    """What one worker knows of itself at one moment.

    `round_trips` are the means in seconds of those links that have one; `lag` is how late the
    reactor was, looked at once a second.
    """

    links: int
    suspect: int
    round_trips: tuple[float, ...]
    owned: int
    drained: bool
    leads: bool
    tally: Tally
    wire: Metrics
    lag: Series
    pool: Pool
    rows: Rows


def samples(vitals: Vitals) -> tuple[Family, ...]:
    """Give all figures of a worker."""
    return (*_links(vitals), *_placement(vitals), *_calls(vitals.wire), *_process(vitals))


def _links(vitals: Vitals) -> Iterator[Family]:
    yield gauge("maasha_links", "Registered links of racks.", vitals.links)
    yield gauge("maasha_links_suspect", "Links whose rack is silent just now.", vitals.suspect)
    if trips := vitals.round_trips:
        mean = sum(trips) / len(trips)
        yield gauge("maasha_round_trip_mean_seconds", "Mean of the links' round trips.", mean)
        yield gauge("maasha_round_trip_max_seconds", "The slowest link's round trip.", max(trips))
    tally = vitals.tally
    yield counter("maasha_registrations", "Links that were taken in.", tally.registered)
    told = "Racks that were told to come again: no database, no room, or a drained worker."
    yield counter("maasha_registrations_put_off", told, tally.put_off)
    reasons = ((labelled(reason=name), count) for name, count in sorted(tally.refused.items()))
    told = "Strangers that failed the proof and racks that were refused for good, by reason."
    yield counters("maasha_refusals", told, reasons)


def _placement(vitals: Vitals) -> Iterator[Family]:
    yield gauge("maasha_racks_owned", "Racks that this worker acts for.", vitals.owned)
    yield gauge("maasha_worker_drained", "Whether it takes no new links.", vitals.drained)
    yield gauge("maasha_worker_leads", "Whether it leads the cluster.", vitals.leads)
    capacity, balance = vitals.rows.capacity, vitals.rows.balance
    if capacity is not None:
        told = "How many links it is to have, compared with a worker of capacity 1."
        yield gauge("maasha_worker_capacity", told, capacity)
        yield gauge("maasha_worker_load", "Links over capacity.", vitals.links / capacity)
    if balance is not None:
        yield from _balance(balance)


def _balance(balance: Balance) -> Iterator[Family]:
    if balance.ratio is not None:
        told = "The cluster's greatest load over the mean, told by its leader."
        yield gauge("maasha_evenness_ratio", told, balance.ratio)
    outcomes = {"open": balance.open, "done": balance.done, "failed": balance.failed}
    told = "The cluster's moves of links begun in the last hour, told by its leader."
    counts = ((labelled(outcome=name), count) for name, count in outcomes.items())
    yield gauges("maasha_moves_last_hour", told, counts)


def _calls(wire: Metrics) -> Iterator[Family]:
    calls = {"answered": _total(wire.answered), "failed": wire.failed, "busy": wire.busy}
    yield _by("maasha_rpc_calls", "Calls to racks that have ended.", "outcome", calls)
    told = "Calls that met their deadline; they have failed."
    yield counter("maasha_rpc_calls_expired", told, wire.expired)
    yield counter("maasha_rpc_calls_queued", "Calls that waited for a place.", wire.queued)
    yield counter("maasha_rpc_answers_late", "Answers nobody waited for.", wire.late)
    told = "Calls with a good answer, from the call to the answer."
    yield histogram("maasha_rpc_call_seconds", told, _by_command(wire.answered))
    requests = {"served": _total(wire.served), "refused": wire.refused}
    yield _by("maasha_rpc_requests", "Requests of racks that were answered.", "outcome", requests)
    told = "Requests that waited for their start."
    yield counter("maasha_rpc_requests_held", told, wire.held)
    told = "Requests that were not started because nobody waited for them."
    yield counter("maasha_rpc_requests_unstarted", told, wire.unstarted)
    told = "Requests with a good answer, from reading them to handing over the answer."
    yield histogram("maasha_rpc_request_seconds", told, _by_command(wire.served))
    detours = {
        "call": wire.call_detours,
        "answer": wire.answer_detours,
        "request": wire.request_detours,
    }
    yield _by("maasha_rpc_detours", "Messages that missed the fast path.", "kind", detours)


def _process(vitals: Vitals) -> Iterator[Family]:
    told = "How late the reactor was, looked at once a second."
    yield histogram("maasha_reactor_lag_seconds", told, ((labelled(), vitals.lag),))
    pool = vitals.pool
    yield gauge("maasha_database_connections", "Open connections of the pool.", pool.open)
    yield gauge("maasha_database_connections_in_use", "Those that work.", pool.in_use)
    waiting = ((labelled(what=name), count) for name, count in pool.waiting.items())
    told = "Units of work that wait: for a connection, or for their lane's turn."
    yield gauges("maasha_database_waiting", told, waiting)


def histogram(name: str, text: str, durations: Durations) -> Family:
    """Give series of durations as a histogram."""
    samples = (each for labels, series in durations for each in _buckets(labels, series))
    return Family(name, Kind.HISTOGRAM, text, tuple(samples))


def _buckets(labels: tuple[Label, ...], series: Series) -> Iterator[Sample]:
    below = tuple(accumulate(series.counts))
    for edge in EDGES:
        end = Label("le", repr(2**edge / MICRO))
        yield Sample("_bucket", (*labels, end), float(below[edge]))
    yield Sample("_bucket", (*labels, Label("le", "+Inf")), float(below[-1]))
    yield Sample("_count", labels, float(below[-1]))
    yield Sample("_sum", labels, series.seconds)


def _by_command(table: Mapping[Command, Series]) -> Durations:
    named = {_name(command): series for command, series in table.items()}
    return ((labelled(command=name), named[name]) for name in sorted(named))


def _name(command: Command) -> str:
    """Give its name on the wire, which a third party may have made of any bytes."""
    return command.commandName.decode("ascii", "backslashreplace")


def _by(name: str, text: str, label: str, counts: Mapping[str, int]) -> Family:
    values = ((labelled(**{label: key}), count) for key, count in counts.items())
    return counters(name, text, values)


def _total(table: Mapping[Command, Series]) -> int:
    return sum(series.count for series in table.values())
