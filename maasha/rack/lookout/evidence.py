"""What is known of one rack on one VLAN, as instants of a steady clock, and when that is enough."""

from __future__ import annotations

from attrs import evolve, frozen

from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Sighting

FRESH = 12.0
"""Seconds for which evidence counts: two rounds may fail in between."""
LATELY = 60.0
"""Seconds for which an exchange is of use to compare clocks: they drift by less than 1 ms in it."""
EXCHANGES = 8
"""Remembered; a busy host answers one or two of so many late, hardly all."""
NEAR = 5.0
"""Seconds that the clocks of a pair may be apart; dhcpd refuses a peer at 60."""


@frozen
class Exchange:
    """A probe and its answer: when it came, how long it took, and the other's clock meanwhile."""

    at: float
    took: float
    offset: float
    """Seconds by which the other clock was ahead; wrong by half of what it took at most."""


def exchange(at: float, took: float, sent: float, told: float) -> Exchange:
    """Compare clocks as NTP does (RFC 5905): the answer was given half way, as far as we know.

    `sent` is our clock when the probe left, `told` the other's when it answered.
    """
    return Exchange(at, took, told - (sent + took / 2))


@frozen
class Outline:
    """Evidence without its numbers: if this changes, there is something to tell."""

    probed: bool = False
    reached: bool = False
    clocks_near: bool | None = None
    """None: not known."""

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to find out."""
        return self.probed and self.reached


@frozen
class Evidence:
    """What is known; None and empty: nothing yet."""

    reached_at: float | None = None
    exchanges: tuple[Exchange, ...] = ()
    """The latest first."""

    def answered(self, made: Exchange) -> Evidence:
        """Add an exchange."""
        return evolve(self, exchanges=(made, *self.exchanges)[:EXCHANGES])

    def reached(self, at: float) -> Evidence:
        """Add that TCP 647 was reached."""
        return evolve(self, reached_at=at)

    @property
    def probed_at(self) -> float | None:
        """When a probe was last answered."""
        return self.exchanges[0].at if self.exchanges else None

    def offset(self, now: float) -> float | None:
        """Seconds by which the other clock is ahead, by the quickest exchange lately."""
        late = [one for one in self.exchanges if now - one.at <= LATELY]
        return min(late, key=lambda one: one.took).offset if late else None

    def outline(self, now: float) -> Outline:
        """Say what counts at an instant."""
        offset = self.offset(now)
        return Outline(
            _fresh(self.probed_at, now),
            _fresh(self.reached_at, now),
            None if offset is None else abs(offset) < NEAR,
        )

    def sighting(self, vlan: VlanId, peer: RackKey, now: float) -> Sighting:
        """Tell it to a region."""
        ages = (_age(self.probed_at, now), _age(self.reached_at, now))
        return Sighting(vlan, peer, *ages, self.offset(now))


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else now - at


def _fresh(at: float | None, now: float) -> bool:
    return at is not None and now - at <= FRESH
