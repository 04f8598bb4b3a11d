"""What people order a rack on its own host, region or none, and the trace that it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from uuid import UUID

from attrs import frozen

from maasha.model.network import VlanId


class OrderKind(Enum):
    """What a rack is to do whatever a region wants."""

    STOP = "stop"
    """Serve nobody."""
    SOLO = "solo"
    """Serve alone: a person vouches that the peer's host is off."""


@frozen
class Order:
    """One order, in force until a person ends it or `until` has passed.

    `ended`: no longer a person's wish, but what runs stays as it is until a region that knows of
    the end says what is to run.
    """

    number: int
    """Of this rack's acts; it only grows."""
    kind: OrderKind
    vlan: VlanId | None
    """None: every VLAN."""
    since: datetime
    until: datetime | None = None
    by: str = ""
    ended: bool = False

    def covers(self, vlan: VlanId) -> bool:
        """Whether the order is about this VLAN."""
        return self.vlan is None or self.vlan == vlan

    def __str__(self) -> str:
        where = "every VLAN" if self.vlan is None else f"VLAN {self.vlan}"
        return f"{self.kind.value} {where}"


@frozen
class Standing:
    """All that people ordered on a rack that still counts, as it is on the rack's disk."""

    number: int = 0
    """Of the newest act; a plan that was made without knowing of it is not carried out."""
    told: int = 0
    """Of the newest act that a region may know of."""
    orders: tuple[Order, ...] = ()
    """The newest last."""


@frozen
class Act:
    """What a person did on a rack, for the history of the instance."""

    id: UUID
    number: int
    """The rack's count: acts are told in this order."""
    at: datetime
    """By the rack's clock."""
    who: str
    """The user of the rack's host, with uid and terminal."""
    what: str
    result: str = ""
    """Empty: it has not ended yet."""


def order_on(orders: Sequence[Order], vlan: VlanId) -> OrderKind | None:
    """Give what is ordered for a VLAN, the ended orders too; None: nothing."""
    kinds = [order.kind for order in orders if order.covers(vlan)]
    return kinds[-1] if kinds else None
