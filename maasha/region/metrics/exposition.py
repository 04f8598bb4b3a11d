"""The figures of all workers of a region as one text in Prometheus' exposition format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve, frozen
from prometheus_client import CONTENT_TYPE_LATEST, Metric, generate_latest
from prometheus_client.registry import Collector

from maasha.region.metrics.families import Family, Label, gauges, labelled

CONTENT_TYPE = CONTENT_TYPE_LATEST
WORKER = "worker"
"""The label with a worker's slot; every sample has it."""
UP = "maasha_worker_up"

Told = Mapping[int, tuple[Family, ...] | None]
"""What each slot's worker told; None: nothing, in time."""


@frozen
class Collected(Collector):
    """Figures as prometheus_client takes them."""

    families: tuple[Family, ...]

    def collect(self) -> Iterable[Metric]:
        """Give them one by one."""
        return map(_metric, self.families)


def exposition(told: Told) -> bytes:
    """Write the text."""
    return generate_latest(Collected(together(told)))


def together(told: Told) -> tuple[Family, ...]:
    """Put families of one name together, each sample with its worker, and say who answered."""
    up = gauges(
        UP,
        "Whether the worker of this slot told its figures within a second.",
        ((_of(slot), families is not None) for slot, families in sorted(told.items())),
    )
    found = {up.name: up}
    for slot, families in sorted(told.items()):
        for family in families or ():
            own = _labelled(family, slot)
            first = found.setdefault(family.name, evolve(own, samples=()))
            found[family.name] = evolve(first, samples=first.samples + own.samples)
    return tuple(found.values())


def _labelled(family: Family, slot: int) -> Family:
    samples = (evolve(each, labels=_of(slot) + each.labels) for each in family.samples)
    return evolve(family, samples=tuple(samples))


def _of(slot: int) -> tuple[Label, ...]:
    return labelled(**{WORKER: str(slot)})


def _metric(family: Family) -> Metric:
    metric = Metric(family.name, family.text, family.kind.value)
    for sample in family.samples:
        labels = {label.name: label.value for label in sample.labels}
        metric.add_sample(family.name + sample.suffix, labels, sample.value)
    return metric
