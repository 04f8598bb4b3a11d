"""The cluster's status as JSON of our own: the page's three questions, DHCP pairs and alarms."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from maasha.api.answers import Json, JsonObject
from maasha.api.controller_shapes import connection_json, stray_json
from maasha.api.picture import Picture
from maasha.api.placement_shapes import drain_json, pause_json
from maasha.api.shapes import AUTOMATIC, named_vlan
from maasha.db.drains import DrainView, PauseView
from maasha.db.overview import Overview, RackView, RegionView, ServiceView, WorkerView
from maasha.db.strays import Stray
from maasha.db.vlans import VlanRow
from maasha.model.cluster import WorkerId
from maasha.model.dhcp import PeerState
from maasha.model.event import Event


@frozen
class Status:
    """All that the status is made from, read at one moment.

    `strays` were ours and are on record no more; `rotated`: since when two shared secrets are
    valid.
    """

    overview: Overview
    picture: Picture
    alarms: tuple[Event, ...]
    strays: tuple[Stray, ...] = ()
    rotated: datetime | None = None
    pause: PauseView | None = None
    drains: tuple[DrainView, ...] = ()


def cluster_json(status: Status) -> JsonObject:
    """Show who runs, who acts for whom, how each VLAN is served and what is wrong."""
    racks = status.overview.racks
    regions: list[Json] = [_region(region, racks) for region in status.overview.regions]
    return {
        "regions": regions,
        "racks": [_rack(rack, status.overview) for rack in racks],
        "vlans": [_vlan(vlan, status) for vlan in status.picture.networks.vlans.values()],
        "unknown_racks": [stray_json(stray) for stray in status.strays],
        "secret_rotation_since": status.rotated.isoformat() if status.rotated else None,
        "pause": pause_json(status.pause),
        "drains": [drain_json(drain) for drain in status.drains],
        "alarms": [alarm_json(alarm) for alarm in status.alarms],
    }


def alarm_json(alarm: Event) -> JsonObject:
    """Show an alarm that is not cleared."""
    return {
        "id": alarm.id,
        "since": alarm.at.isoformat(),
        "subject": alarm.subject,
        "kind": alarm.kind,
        "detail": alarm.detail,
    }


def _region(region: RegionView, racks: tuple[RackView, ...]) -> JsonObject:
    ids = tuple(worker.id for worker in region.workers)
    return {
        "system_id": region.system_id,
        "hostname": region.hostname,
        "version": region.version,
        "racks": _owned(racks, ids),
        "workers": [_worker(worker, racks) for worker in region.workers],
    }


def _worker(worker: WorkerView, racks: tuple[RackView, ...]) -> JsonObject:
    links = (link for rack in racks for link in rack.links)
    return {
        "slot": worker.slot,
        "pid": worker.pid,
        "endpoints": [str(endpoint) for endpoint in worker.endpoints],
        "connections": sum(link.worker == worker.id for link in links),
        "racks": _owned(racks, (worker.id,)),
        "heartbeat_age": round(worker.heartbeat_age, 3),
    }


def _owned(racks: tuple[RackView, ...], workers: tuple[WorkerId, ...]) -> list[Json]:
    return [rack.name.hostname for rack in racks if rack.owner in workers]


def _rack(rack: RackView, overview: Overview) -> JsonObject:
    return {
        "system_id": rack.name.system_id,
        "hostname": rack.name.hostname,
        "version": rack.version,
        "last_seen": rack.last_seen.isoformat(),
        "owner": _owner(rack, overview),
        "connections": [connection_json(link) for link in rack.links],
        "lost": rack.lost.isoformat() if rack.lost else None,
        "lost_by": rack.lost_by,
        "dhcp": {
            "serving": rack.serving and rack.connected,
            "wanted": str(rack.wanted),
            "running": str(rack.running),
            "problem": rack.complaint,
        },
    }


def _owner(rack: RackView, overview: Overview) -> JsonObject | None:
    for region in overview.regions:
        for worker in region.workers:
            if worker.id == rack.owner:
                return {"region": region.hostname, "worker": worker.slot}
    return None


def _vlan(vlan: VlanRow, status: Status) -> JsonObject:
    outcome = status.picture.outcomes[vlan.id]
    states: list[Json] = [
        _state(rack, service)
        for rack in status.picture.racks
        for service in rack.services
        if service.vlan == vlan.id
    ]
    return {
        **named_vlan(vlan),
        "subnets": [str(subnet.cidr) for subnet in status.picture.networks.subnets_of(vlan.id)],
        "dhcp_on": vlan.dhcp_on,
        "dhcp_status": outcome.status,
        "dhcp_problem": outcome.problem,
        "primary": vlan.primary.hostname if vlan.primary else None,
        "secondary": vlan.secondary.hostname if vlan.secondary else None,
        "primary_by": vlan.primary_by or AUTOMATIC,
        "secondary_by": vlan.secondary_by or AUTOMATIC,
        "ha_auto": vlan.ha_auto,
        "states": states,
    }


def _state(rack: RackView, service: ServiceView) -> JsonObject:
    """Show a rack's part; of the peers' states only what a rack says that can be asked now."""
    unknown = PeerState.UNKNOWN
    state, partner = (service.state, service.partner) if rack.connected else (unknown, unknown)
    return {
        "rack": rack.name.hostname,
        "asked": service.asked.duty.value,
        "running": service.running.duty.value,
        "peer_name": service.running.peer_name,
        "state": state.value,
        "partner": partner.value,
    }
