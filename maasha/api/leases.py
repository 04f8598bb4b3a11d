"""leases/: who has which address, as the racks report it."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.forms import either
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import LeaseFilter
from maasha.db.leases import PAGE, LeaseQuery, current
from maasha.db.reporters import reporters
from maasha.db.transaction import Transaction
from maasha.model.lease import Lease

LEASES = Noun("LeasesHandler", "leases/", "DHCP leases: the newest word on each address.")


async def list_leases(call: Call, form: LeaseFilter) -> Answer:
    """List a page of leases by address."""
    query = LeaseQuery(
        form.ip, form.mac, form.state, either(form.limit, PAGE), either(form.offset, 0)
    )

    async def work(tx: Transaction) -> list[JsonObject]:
        leases = [known.lease for known in await current(tx, query)]
        racks = await reporters(tx, [lease.ip for lease in leases])
        return [lease_json(lease, racks.get(lease.ip, ())) for lease in leases]

    return ok(await call.read(work))


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
    Operation(LEASES, Crud.READ, Role.USER, list_leases, "List a page of leases.", LeaseFilter),
)
