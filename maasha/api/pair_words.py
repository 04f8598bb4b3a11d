"""What the numbers of a failover pair mean for people, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from maasha.model.options import PairNumbers

WHOLE = 256


def consequences(numbers: PairNumbers, lease_time: int) -> tuple[str, ...]:
    """Say what each number leads to; `lease_time` in seconds."""
    return (*_mclt(numbers, lease_time), *_split(numbers), *_delay(numbers))


def _mclt(numbers: PairNumbers, lease_time: int) -> Iterator[str]:
    yield (
        f"mclt {numbers.mclt}: a server that was alone in partner-down gets its peer's free "
        f"addresses after {numbers.mclt} s, and a peer that comes back with its leases lost may be "
        "silent for as long."
    )
    if numbers.mclt < lease_time:
        yield (
            f"mclt {numbers.mclt} is below the lease time of {lease_time} s: a client's first "
            f"lease lasts {numbers.mclt} s only, so new clients renew once more."
        )


def _split(numbers: PairNumbers) -> Iterator[str]:
    yield (
        f"split {numbers.split}: the primary answers {numbers.split} of {WHOLE} shares of the "
        f"clients first, the secondary {WHOLE - numbers.split}; each owns half of the free "
        "addresses all the same."
    )


def _delay(numbers: PairNumbers) -> Iterator[str]:
    yield (
        f"max_response_delay {numbers.max_response_delay}: a peer that falls silent without a word "
        f"counts as lost after {numbers.max_response_delay} s at most; until then the other one "
        "answers its clients only when they have waited for 3 s."
    )
