"""What people order a server on the spot."""

from __future__ import annotations

from datetime import UTC, datetime

from maasha.dhcp import orders
from maasha.dhcp.held import Held
from maasha.model.orders import Standing
from tests.unit.dhcp.networks import PLAIN

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def solo(held: Held) -> Standing:
    """Order to serve a VLAN alone."""
    return orders.solo(held.standing, held.base, PLAIN.vlan, NOON, "ann")


def resume(held: Held) -> Standing:
    """End all orders."""
    return orders.resume(held.standing, None)
