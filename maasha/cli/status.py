"""The cluster as people read it: who runs, who manages whom, how DHCP is served, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maasha.cli.placement_text import standing_text
from maasha.cli.shape import Record, flag, record, records, text, texts
from maasha.cli.tables import table


def status_text(document: object) -> str:
    """Give tables of what `cluster/` answered; its first three are the questions of an operator.

    They are: how many racks each region manages, how many connections each rack has, and how many
    regions and workers run now.
    """
    cluster = record(document)
    parts = (
        _regions(records(cluster.get("regions"))),
        _racks(records(cluster.get("racks"))),
        _unknown(records(cluster.get("unknown_racks"))),
        _vlans(records(cluster.get("vlans"))),
        standing_text(cluster),
        _rotation(text(cluster.get("secret_rotation_since"))),
        _alarms(records(cluster.get("alarms"))),
    )
    return "\n\n".join(part for part in parts if part)


def _regions(regions: Sequence[Record]) -> str:
    workers = [_workers(region) for region in regions]
    alive = sum(bool(of_region) for of_region in workers)
    title = f"Regions: {alive} of {len(regions)} running, {sum(map(len, workers))} workers"
    rows = [
        (
            text(region.get("hostname")),
            text(region.get("system_id")),
            "running" if of_region else "down",
            str(len(of_region)),
            str(_count(region.get("racks"))),
            ", ".join(_worker(worker) for worker in of_region),
        )
        for region, of_region in zip(regions, workers, strict=True)
    ]
    heads = ("REGION", "ID", "STATE", "WORKERS", "RACKS", "RACKS/CONNECTIONS BY WORKER")
    return f"{title}\n{table(heads, rows)}"


def _workers(region: Record) -> tuple[Record, ...]:
    return records(region.get("workers"))


def _worker(worker: Record) -> str:
    racks, connections = _count(worker.get("racks")), text(worker.get("connections"))
    return f"{text(worker.get('slot'))}: {racks}/{connections}"


def _count(names: object) -> int:
    return len(texts(names))


def _racks(racks: Sequence[Record]) -> str:
    linked = [records(rack.get("connections")) for rack in racks]
    up = sum(bool(links) for links in linked)
    lost = sum(bool(text(rack.get("lost"))) for rack in racks)
    title = f"Racks: {up} of {len(racks)} connected, {sum(map(len, linked))} connections"
    title += f", {lost} declared lost" if lost else ""
    rows = [
        (
            text(rack.get("hostname")),
            text(rack.get("system_id")),
            str(len(links)),
            ", ".join(_connection(link) for link in links) or _lost(rack),
            _place(record(rack.get("owner"))),
            _dhcpd(record(rack.get("dhcp")), connected=bool(links)),
        )
        for rack, links in zip(racks, linked, strict=True)
    ]
    heads = ("RACK", "ID", "CONNECTIONS", "TO REGION/WORKER", "MANAGED BY", "DHCPD")
    return f"{title}\n{table(heads, rows)}"


def _lost(rack: Record) -> str:
    """Say who declared it lost, if anybody did."""
    return f"lost, says {text(rack.get('lost_by'))}" if text(rack.get("lost")) else ""


def _place(link: Record) -> str:
    return f"{text(link.get('region'))}/{text(link.get('worker'))}" if link else ""


def _connection(link: Record) -> str:
    """Give where a connection leads, with the time of its round trips, or that all is not well."""
    mean, deviation = link.get("round_trip_ms"), link.get("round_trip_deviation_ms")
    suspect = " suspect" if text(link.get("health")) == "suspect" else ""
    return _place(link) + (f" {text(mean)}±{text(deviation)} ms" if text(mean) else "") + suspect


def _dhcpd(dhcp: Record, *, connected: bool) -> str:
    if not connected:
        return "unknown"
    state = "serving" if flag(dhcp.get("serving")) else "off"
    wanted, running = text(dhcp.get("wanted")), text(dhcp.get("running"))
    late = "" if wanted == running else f", has {running} of {wanted}"
    return state + late + (", problem" if text(dhcp.get("problem")) else "")


def _unknown(racks: Sequence[Record]) -> str:
    """Give the racks that are on record no more, and the one command that mends it."""
    if not racks:
        return ""
    columns = ("hostname", "system_id", "remote", "first_seen", "last_seen")
    rows = [
        (
            *(text(rack.get(column)) for column in columns),
            "serving" if flag(rack.get("serving")) else "off",
        )
        for rack in racks
    ]
    heads = ("RACK", "ID", "FROM", "FIRST SEEN", "LAST SEEN", "DHCPD")
    mend = "They serve on; readmit each with: maasha rack-controller readmit ID"
    return f"Unknown, was ours: {len(racks)}\n{table(heads, rows)}\n{mend}"


def _rotation(since: str) -> str:
    if not since:
        return ""
    return (
        f"Shared secret: two are valid since {since}; "
        "drop the old one with: maasha-region rotate-secret --finish"
    )


def _vlans(vlans: Sequence[Record]) -> str:
    rows = [
        (
            text(vlan.get("fabric")),
            text(vlan.get("vid")),
            ", ".join(texts(vlan.get("subnets"))),
            text(vlan.get("dhcp_status")),
            _member(vlan, "primary"),
            _member(vlan, "secondary"),
            _chosen_by(vlan),
        )
        for vlan in vlans
    ]
    heads = ("FABRIC", "VID", "SUBNETS", "DHCP", "PRIMARY", "SECONDARY", "CHOSEN BY")
    return f"VLANs\n{table(heads, rows)}"


def _chosen_by(vlan: Record) -> str:
    """Say who chose the racks, each once; of an empty place only who wants it empty."""
    authors = [
        by
        for place in ("primary", "secondary")
        if (by := text(vlan.get(f"{place}_by"))) and (text(vlan.get(place)) or by != "automatic")
    ]
    return ", ".join(dict.fromkeys(authors))


def _member(vlan: Record, role: str) -> str:
    """Give a rack's name and, of a pair, its failover state as it told it."""
    name = text(vlan.get(role))
    states = [text(s.get("state")) for s in records(vlan.get("states")) if s.get("rack") == name]
    told = [state for state in states if state not in ("", "unknown")]
    return f"{name} ({told[0]})" if told else name


def _alarms(alarms: Sequence[Record]) -> str:
    if not alarms:
        return "Alarms: none"
    return "\n".join((f"Alarms: {len(alarms)}", *_alarm_lines(alarms)))


def _alarm_lines(alarms: Sequence[Record]) -> Iterator[str]:
    for alarm in alarms:
        words = (text(alarm.get(key)) for key in ("since", "subject", "kind", "detail"))
        yield "  " + "  ".join(word for word in words if word)
