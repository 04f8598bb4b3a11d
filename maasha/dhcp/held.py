"""What a rack holds on to: the last good plan of a region, and what people ordered on the spot."""

from __future__ import annotations

from attrs import field, frozen

from maasha.dhcp.effective import effective
from maasha.dhcp.plan import EMPTY
from maasha.model.dhcp import DhcpPlan
from maasha.model.orders import Standing


@frozen
class Held:
    """Both, as they are on disk."""

    base: DhcpPlan = EMPTY
    standing: Standing = field(factory=Standing)

    @property
    def plan(self) -> DhcpPlan:
        """What is to run."""
        return effective(self.base, self.standing.orders)
