"""leases/: who has which address, as the racks report it."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.forms import either
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import LeaseFilter
from maasha.db.leases import PAGE, KnownLease, LeaseQuery, current
from maasha.db.reporters import reporters
from maasha.db.transaction import Transaction

LEASES = Noun("LeasesHandler", "leases/", "DHCP leases: the newest word on each address.")


async def list_leases(call: Call, form: LeaseFilter) -> Answer:
    """List a page of leases by address."""
    query = LeaseQuery(
        ips=form.ip,
        macs=form.mac,
        states=form.state,
        peers=form.peer,
        names=tuple(name.lower() for name in form.hostname),
        fixed=either(form.fixed, None),
        limit=either(form.limit, PAGE),
        offset=either(form.offset, 0),
    )

    async def work(tx: Transaction) -> list[JsonObject]:
        leases = await current(tx, query)
        racks = await reporters(tx, [known.lease.ip for known in leases])
        return [lease_json(known, racks.get(known.lease.ip, ())) for known in leases]

    return ok(await call.read(work))


def lease_json(known: KnownLease, racks: Sequence[str]) -> JsonObject:
    """Show a lease; instants are ISO 8601 in UTC, `ends` null for one that never ends.

    `peer` is the rack that has the last word, `age` the seconds since it said so, `racks` are all
    that have one. `hostname` is empty where DNS would not take what the client calls itself.
    """
    lease = known.lease
    return {
        "ip": str(lease.ip),
        "mac": lease.mac,
        "hostname": known.name,
        "client_hostname": lease.hostname,
        "state": lease.state.value,
        "fixed": lease.fixed,
        "starts": lease.starts.isoformat() if lease.starts else None,
        "ends": lease.ends.isoformat() if lease.ends else None,
        "peer": known.peer,
        "age": round(known.age, 1),
        "racks": list(racks),
    }


OPERATIONS = (
    Operation(LEASES, Crud.READ, Role.USER, list_leases, "List a page of leases.", LeaseFilter),
)
