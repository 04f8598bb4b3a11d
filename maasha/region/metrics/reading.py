"""Looks at the living parts of a worker: its figures, of the process, and of the rows it may read.

Counters are read where they are; nothing is wrapped, so nothing is slower for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen
from prometheus_client import Metric, ProcessCollector
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import figures
from maasha.db.errors import DatabaseError
from maasha.db.lane import Lane
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction
from maasha.model.cluster import WorkerId
from maasha.region.connections import Connections
from maasha.region.lag import Lag
from maasha.region.metrics import samples
from maasha.region.metrics.families import Family, Kind, Sample, labelled
from maasha.region.metrics.samples import Rows, Vitals
from maasha.region.tally import Tally
from maasha.region.wardship import Wardship
from maasha.rpc.deadline import within
from maasha.rpc.errors import DeadlineExceeded
from maasha.rpc.pulse import Health
from maasha.rpc.wire import Metrics

ROWS_WITHIN = 0.5
"""Seconds for the database's answer, half of what a sibling waits for ours."""

log = Logger()


@frozen
class Parts:
    """What is looked at. `worker` gives the id of this worker's row, None before there is one."""

    clock: IReactorTime
    pool: Pool
    lanes: Mapping[str, Lane]
    connections: Connections
    wardship: Wardship
    tally: Tally
    wire: Metrics
    lag: Lag
    worker: Callable[[], WorkerId | None]
    drained: Callable[[], bool]
    leading: Callable[[], bool]


class Reading:
    """Reads a worker's figures."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._process = ProcessCollector(registry=None)

    async def read(self) -> tuple[Family, ...]:
        """Give them; without what needs rows where the database is slow or away."""
        rows = await self._rows()
        process = map(family_of, self._process.collect())
        return (*samples.samples(self._vitals(rows)), *process)

    def _vitals(self, rows: Rows) -> Vitals:
        parts, links = self._parts, tuple(self._parts.connections)
        trips = (link.remote.round_trip for link in links)
        waiting = {name: lane.waiting for name, lane in parts.lanes.items()}
        pool = parts.pool
        return Vitals(
            links=len(links),
            suspect=sum(link.remote.health is Health.SUSPECT for link in links),
            round_trips=tuple(trip.mean for trip in trips if trip is not None),
            owned=parts.wardship.racks,
            drained=parts.drained(),
            leads=parts.leading(),
            tally=parts.tally,
            wire=parts.wire,
            lag=parts.lag.series,
            pool=samples.Pool(pool.open, pool.in_use, {"connection": pool.waiting, **waiting}),
            rows=rows,
        )

    async def _rows(self) -> Rows:
        if not self._parts.pool.connected:
            return Rows()
        asking = Deferred.fromCoroutine(self._parts.pool.run(self._ask, read_only=True))
        try:
            return await within(ROWS_WITHIN, self._parts.clock, "metrics", asking)
        except (DatabaseError, DeadlineExceeded) as error:
            log.debug("figures without what is in rows: {error}", error=error)
            return Rows()

    async def _ask(self, tx: Transaction) -> Rows:
        """Read this worker's row, and of the cluster what its leader tells."""
        worker, leads = self._parts.worker(), self._parts.leading()
        capacity = None if worker is None else await figures.capacity_of(tx, worker)
        return Rows(capacity, await figures.balance(tx) if leads else None)


def family_of(metric: Metric) -> Family:
    """Give a metric of prometheus_client as a value."""
    told = tuple(
        Sample(each.name.removeprefix(metric.name), labelled(**each.labels), float(each.value))
        for each in metric.samples
    )
    return Family(metric.name, Kind(metric.type), metric.documentation, told)
