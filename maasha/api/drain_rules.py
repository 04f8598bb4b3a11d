"""Whether something may be drained, and the sentence that says why not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import assert_never

from maasha.api.errors import BadRequest
from maasha.api.fields import listed
from maasha.api.forms import Absent
from maasha.api.submissions import DrainCreate
from maasha.balancer.draining import Absent as NotThere
from maasha.balancer.draining import Cluster, Host, NobodyLeft, NoRoom, Refusal, Server, Unserved
from maasha.db.overview import RackView, ServiceView
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.dhcp import OFF, PeerState
from maasha.model.network import VlanId
from maasha.model.placement import Placement

UNKNOWN = {
    "region": "{value!r} is no region's host name or system id; `maasha status` lists them.",
    "worker": "no worker {value!r} runs; `maasha status` lists regions and their workers by slot.",
    "rack": "{value!r} is no rack's host name or system id; `maasha status` lists them.",
}


def field_of(form: DrainCreate) -> str:
    """Name the one field of the three that says what to drain. Raises `BadRequest`."""
    named = {"region": form.region, "worker": form.worker, "rack": form.rack}
    fields = [field for field, value in named.items() if not isinstance(value, Absent)]
    if len(fields) == 1:
        return fields[0]
    what = f"{listed(fields)} were given" if fields else "None was given"
    raise BadRequest(f"A drain empties one region, worker or rack. {what}; give exactly one.")


def cluster_of(placement: Placement, racks: Sequence[RackView], most: int) -> Cluster:
    """Give what the rule of drains looks at: who holds which links, and who serves which VLANs.

    `most` is how many links a worker takes.
    """
    held: dict[WorkerId, set[RackKey]] = defaultdict(set)
    for link in placement.links:
        held[link.worker].add(link.rack)
    draining = {rack.key for rack in placement.racks if rack.draining}
    return Cluster(
        tuple(
            Host(
                worker.id,
                worker.region,
                most,
                frozenset(held[worker.id]),
                worker.draining,
            )
            for worker in placement.workers
        ),
        tuple(_server(rack, draining=rack.name.key in draining) for rack in racks),
    )


def refused(field: str, value: str, refusal: Refusal, labels: Mapping[VlanId, str]) -> str:
    """Say why it is not drained and what would mend that; `labels` names VLANs for people."""
    return f"{field}={value} cannot be drained: {_reason(refusal, labels)}."


def _reason(refusal: Refusal, labels: Mapping[VlanId, str]) -> str:
    match refusal:
        case NotThere():
            return "it has no link now, so there is nothing to empty; see `maasha status`"
        case NobodyLeft():
            return (
                "nobody else would take its links, for there is no other worker that lives and is "
                "not drained; undo another drain, or start another worker"
            )
        case NoRoom(needed, room):
            return (
                f"{needed} links would have to go where there is room for {room}; "
                "add workers or regions first"
            )
        case Unserved(vlans):
            names = listed([labels[vlan] for vlan in vlans])
            return (
                f"nobody else serves DHCP on VLAN {names}; "
                "name a secondary_rack there and wait until the pair is normal"
            )
        case _:
            assert_never(refusal)


def _server(rack: RackView, *, draining: bool) -> Server:
    serves = [service for service in rack.services if service.running != OFF]
    return Server(
        rack.name.key,
        frozenset(service.vlan for service in serves),
        frozenset(service.vlan for service in serves if _alone(service)),
        rack.connected,
        draining,
    )


def _alone(service: ServiceView) -> bool:
    """Whether nobody would answer in the rack's stead."""
    return not service.running.paired or service.state is not PeerState.NORMAL
