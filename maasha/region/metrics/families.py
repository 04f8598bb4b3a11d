"""Figures as Prometheus names them, as values and as the bytes that workers hand each other.

Names and kinds are those of the exposition format (Prometheus, "Metric and label naming"); a
counter's family is named without its `_total`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from maasha.model.codec import BadRecord, from_json, to_json

VERSION = 1
"""Of the bytes; a worker of another version is left out until it has been started anew."""
LONGEST = 4 * 2**20
"""Bytes of one worker's figures; a busy one has about 60 KiB."""


class Kind(Enum):
    """What may be done with a figure."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@frozen
class Label:
    """A name and a value that tell samples of one family apart."""

    name: str
    value: str


@frozen
class Sample:
    """One figure; `suffix` follows the family's name (`_total`, `_bucket`, ...)."""

    suffix: str
    labels: tuple[Label, ...]
    value: float


@frozen
class Family:
    """Samples of one name; `text` says what they are, for people."""

    name: str
    kind: Kind
    text: str
    samples: tuple[Sample, ...]


@frozen
class Told:
    """What a worker tells another."""

    version: int
    families: tuple[Family, ...]


def labelled(**labels: str) -> tuple[Label, ...]:
    """Give labels by their names."""
    return tuple(Label(name, value) for name, value in labels.items())


def gauge(name: str, text: str, value: float) -> Family:
    """Give a figure that goes up and down."""
    return gauges(name, text, ((labelled(), value),))


def gauges(name: str, text: str, values: Iterable[tuple[tuple[Label, ...], float]]) -> Family:
    """Give several of one name, each with its labels."""
    samples = tuple(Sample("", labels, float(value)) for labels, value in values)
    return Family(name, Kind.GAUGE, text, samples)


def counter(name: str, text: str, value: float) -> Family:
    """Give a figure that only goes up while the process lives."""
    return counters(name, text, ((labelled(), value),))


def counters(name: str, text: str, values: Iterable[tuple[tuple[Label, ...], float]]) -> Family:
    """Give several of one name, each with its labels."""
    samples = tuple(Sample("_total", labels, float(value)) for labels, value in values)
    return Family(name, Kind.COUNTER, text, samples)


def written(families: Iterable[Family]) -> bytes:
    """Write a worker's figures."""
    return to_json(Told(VERSION, tuple(families))).encode()


def read(data: bytes) -> tuple[Family, ...] | None:
    """Read a worker's figures; None for what is cut off, of another version, or no figures."""
    try:
        told = from_json(Told, data.decode())
    except (BadRecord, UnicodeDecodeError):
        return None
    return told.families if told.version == VERSION else None
