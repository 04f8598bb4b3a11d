"""cluster/: the status of the whole instance."""

from __future__ import annotations

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.cluster_shapes import Status, cluster_json
from maasha.api.forms import Nothing
from maasha.api.picture import picture_of
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.db import instance
from maasha.db.drains import drains, paused
from maasha.db.events import open_alarms
from maasha.db.networks import networks
from maasha.db.overview import overview
from maasha.db.overview6 import families
from maasha.db.strays import strays
from maasha.db.transaction import Transaction

CLUSTER = Noun("ClusterHandler", "cluster/", "The instance: regions, racks, DHCP and alarms.")


async def read_cluster(call: Call, _: Nothing) -> Answer:
    """Show the status, from live rows only."""

    async def work(tx: Transaction) -> JsonObject:
        seen = await overview(tx)
        picture = picture_of(await networks(tx), seen.racks, await families(tx))
        return cluster_json(
            Status(
                seen,
                picture,
                await open_alarms(tx),
                await strays(tx),
                (await instance.read(tx)).rotated,
                await paused(tx),
                await drains(tx),
            )
        )

    return ok(await call.read(work))


OPERATIONS = (
    Operation(CLUSTER, Crud.READ, Role.USER, read_cluster, "Read the status of the cluster."),
)
