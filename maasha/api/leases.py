"""leases/: who has which address, as the racks report it."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import LeaseFilter
from maasha.db.leases import current
from maasha.db.reporters import reporters
from maasha.db.transaction import Transaction
from maasha.model.lease import Lease

LEASES = Noun("LeasesHandler", "leases/", "DHCP leases: the newest word on each address.")


async def list_leases(call: Call, form: LeaseFilter) -> Answer:
    """List the leases by address."""

    async def work(tx: Transaction) -> list[JsonObject]:
        known, racks = await current(tx), await reporters(tx)
        leases = (each.lease for each in known)
        return [
            lease_json(each, racks.get(each.ip, ())) for each in leases if asked_for(each, form)
        ]

    return ok(await call.read(work))


def asked_for(lease: Lease, form: LeaseFilter) -> bool:
    """Whether the lease is one of those that the filter lets through."""
    return (
        (not form.ip or lease.ip in form.ip)
        and (not form.mac or lease.mac in form.mac)
        and (not form.state or lease.state in form.state)
    )


def lease_json(lease: Lease, racks: Sequence[str]) -> JsonObject:
    """Show a lease; instants are ISO 8601 in UTC, `ends` null for one that never ends."""
    return {
        "ip": str(lease.ip),
        "mac": lease.mac,
        "hostname": lease.hostname,
        "state": lease.state.value,
        "starts": lease.starts.isoformat() if lease.starts else None,
        "ends": lease.ends.isoformat() if lease.ends else None,
        "racks": list(racks),
    }


OPERATIONS = (
    Operation(LEASES, Crud.READ, Role.USER, list_leases, "List the leases.", LeaseFilter),
)
