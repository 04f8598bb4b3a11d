"""All operations of the API, in the order in which describe/ lists them."""

from __future__ import annotations

from itertools import chain

from maasha.api import (
    cluster,
    dhcp_roles,
    dhcp_snippets,
    dhcp_status,
    drains,
    events,
    fabrics,
    leases,
    placement,
    racks,
    ranges,
    regions,
    reservations,
    strays,
    subnets,
    tokens,
    users,
    version,
    vlans,
)
from maasha.api.routes import Registry

NOUNS = (
    racks,
    strays,
    regions,
    fabrics,
    vlans,
    dhcp_roles,
    dhcp_status,
    subnets,
    ranges,
    dhcp_snippets,
    reservations,
    leases,
    events,
    cluster,
    placement,
    drains,
    tokens,
    users,
    version,
)


def make_registry() -> Registry:
    """Gather the operations; raises `RouteError` where they contradict each other."""
    return Registry(chain.from_iterable(noun.OPERATIONS for noun in NOUNS))
