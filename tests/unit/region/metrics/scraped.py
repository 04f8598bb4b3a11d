"""What Prometheus makes of a scrape: values by name and labels."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from maasha.region.metrics.exposition import Told, exposition

Found = dict[tuple[str, frozenset[tuple[str, str]]], float]


def sample(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Name a sample."""
    return name, frozenset(labels.items())


def found(text: bytes) -> Found:
    """Read a text as Prometheus does; every sample is there once."""
    samples = [
        each for family in text_string_to_metric_families(text.decode()) for each in family.samples
    ]
    values = {sample(each.name, **each.labels): each.value for each in samples}
    assert len(values) == len(samples)
    return values


def text_of(told: Told) -> bytes:
    """Give the whole text."""
    return b"".join(exposition(told))
