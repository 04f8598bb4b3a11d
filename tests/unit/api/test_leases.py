"""How a lease is shown."""

from __future__ import annotations

from ipaddress import ip_address

from attrs import evolve

from maasha.api.leases import lease_json
from maasha.db.leases import KnownLease
from maasha.model.cluster import RackKey
from maasha.model.lease import BindingState, Lease
from tests.unit.api.samples import NOON

IP = ip_address("10.0.0.50")
MAC = "02:00:00:00:00:01"
LEASE = Lease(IP, BindingState.ACTIVE, MAC, NOON, NOON, NOON, "My PC")  # type: ignore[arg-type]  # v4
KNOWN = KnownLease(RackKey(1), LEASE, "rack-2", 1.26, "pc")


def test_lease() -> None:
    """A lease has its client, its state, its times and the racks that have a word on it."""
    assert lease_json(KNOWN, ("rack-1", "rack-2")) == {
        "ip": "10.0.0.50",
        "mac": MAC,
        "hostname": "pc",
        "client_hostname": "My PC",
        "state": "active",
        "fixed": False,
        "starts": "2026-01-02T12:00:00+00:00",
        "ends": "2026-01-02T12:00:00+00:00",
        "peer": "rack-2",
        "age": 1.3,
        "racks": ["rack-1", "rack-2"],
    }
    endless = lease_json(evolve(KNOWN, lease=evolve(LEASE, starts=None, ends=None)), ())
    assert (endless["starts"], endless["ends"]) == (None, None)
