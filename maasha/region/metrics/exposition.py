"""The figures of all workers of a region as one text in Prometheus' exposition format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen
from prometheus_client import CONTENT_TYPE_LATEST, Metric, generate_latest
from prometheus_client.registry import Collector

from maasha.region.metrics.families import Family, gauge

CONTENT_TYPE = CONTENT_TYPE_LATEST
WORKER = "worker"
"""The label with a worker's slot; every sample has it."""

Told = Mapping[int, tuple[Family, ...] | None]
"""What each slot's worker told; None: nothing, in time."""


@frozen
class Collected(Collector):
    """One family as prometheus_client takes it, as each worker that has it told it."""

    told: Mapping[int, Family]

    def collect(self) -> Iterable[Metric]:
        """Give it, each sample with its worker."""
        any_of_them = next(iter(self.told.values()))
        metric = Metric(any_of_them.name, any_of_them.text, any_of_them.kind.value)
        for slot, family in self.told.items():
            for sample in family.samples:
                labels = {label.name: label.value for label in sample.labels}
                labels[WORKER] = str(slot)
                metric.add_sample(family.name + sample.suffix, labels, sample.value)
        yield metric


def exposition(told: Told) -> Iterator[bytes]:
    """Write the text family by family: a large region's as a whole takes tens of milliseconds."""
    families: dict[str, dict[int, Family]] = {}
    for slot, heard in sorted(told.items()):
        for family in (_up(heard is not None), *(heard or ())):
            families.setdefault(family.name, {})[slot] = family
    for each in families.values():
        yield generate_latest(Collected(each))


def _up(answered: bool) -> Family:
    text = "Whether the worker of this slot told its figures within a second."
    return gauge("maasha_worker_up", text, answered)
