"""The numbers of balancing, with their reasons and units."""

from __future__ import annotations

from datetime import timedelta

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le


@frozen
class Policy:
    """When to act, how far, and how fast. Ratios are to the mean load."""

    act: float = field(default=1.25, validator=ge(1.0))
    """Out of band is more than this times the mean, or less than the mean divided by it.

    With eight links on each of a dozen workers, of which 2 % reconnect each second to the better of
    two, the fullest is at 1.20 in the median (simulated with `benchmarks.balance_world`).
    """
    rest: float = field(default=1.10, validator=ge(1.0))
    """Once begun, go on until the loads are within this ratio.

    It is well inside `act`, so that a few reconnects do not make it begin anew, and wider than 1,
    so that only the excess moves.
    """
    spread: int = field(default=2, validator=ge(2))
    """Links (of a worker of capacity 1) between fullest and emptiest from which on it may act.

    With a spread of one a move would only swap the two.
    """
    dwell: float = field(default=120.0, validator=ge(0.0))
    """Seconds for which a link that the balancer moved stays, whatever else happens to the loads.

    Whatever else goes wrong, balancing costs a link at most one move in that time.
    """
    share: float = field(default=0.05, validator=and_(gt(0.0), le(1.0)))
    """Part of a donor's links whose moves may begin within one second.

    Of the links that it has by then: 200 links are drained in 75 s, 1,000 in 107 s.
    """
    settled: float = field(default=2.0, validator=ge(0.0))
    """Seconds without a change of members before anything is evened: who comes and goes comes in
    crowds."""
    at_least: int = field(default=1, validator=ge(1))
    """Moves per second and donor, however few links it has."""

    def __attrs_post_init__(self) -> None:
        if self.rest > self.act:
            raise ValueError(f"rest ({self.rest:g}) is not within act ({self.act:g}): lower it")

    @property
    def stay(self) -> timedelta:
        """`dwell` as a timedelta."""
        return timedelta(seconds=self.dwell)


POLICY = Policy()
