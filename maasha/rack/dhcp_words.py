"""What a rack's DHCP does and what an order comes to, as people on its host read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from attrs import field, frozen

from maasha.cli.tables import table
from maasha.dhcp.effective import effective
from maasha.dhcp.held import Held
from maasha.model.dhcp import DhcpPlan, DhcpReport, Duty, PeerState, VlanRole, VlanService
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind, Standing

STATES = {
    PeerState.UNKNOWN: "dhcpd has not said",
    PeerState.STARTUP: "silent for up to 15 s, until it knows how its peer is",
    PeerState.NORMAL: "both peers answer",
    PeerState.COMMUNICATIONS_INTERRUPTED: "the peer is out of reach: serves without it, of the "
    "free addresses its half",
    PeerState.PARTNER_DOWN: "serves without the peer, which was declared down",
    PeerState.POTENTIAL_CONFLICT: "both served alone: they compare leases",
    PeerState.RECOVER: "silent: gets the leases from its peer",
    PeerState.PAUSED: "silent: its peer is about to stop for a short time",
    PeerState.SHUTDOWN: "silent: it is being shut down",
    PeerState.RECOVER_DONE: "silent for a moment: has the leases, waits for its peer",
    PeerState.RESOLUTION_INTERRUPTED: "lost its peer while they compared leases",
    PeerState.CONFLICT_DONE: "has compared leases with its peer",
    PeerState.RECOVER_WAIT: "silent for up to MCLT (an hour): leases that the peer knows run out",
}
"""What a state means for clients."""
HEADS = "VLAN", "INTERFACE", "ROLE", "PEER", "STATE", "PEER SAYS", "MEANING"


@frozen
class Live:
    """What only a running rackd knows."""

    report: DhcpReport
    links: tuple[str, ...] = ()
    """The workers that it is linked to."""
    owner: str = ""
    """The one that acts for it; empty: none."""
    untold: int = 0
    """Acts that no region has yet."""


@frozen
class Status:
    """What there is to say; of `live` there is nothing where no rackd runs."""

    plan: DhcpPlan
    """What is to run."""
    digest: str
    standing: Standing
    pid: int | None = None
    """Of dhcpd; None: it does not run."""
    since: datetime | None = None
    live: Live | None = None
    problems: tuple[str, ...] = field(default=())


def shown(status: Status) -> str:
    """Write it for a terminal."""
    return "\n".join(_lines(status))


def _lines(status: Status) -> Iterator[str]:
    if status.pid is None:
        down = "dhcpd does not run" if status.plan.interfaces else "nothing is to be served"
        yield f"{down}; the plan is generation {status.plan.generation}"
    else:
        yield (
            f"dhcpd {status.pid} runs since {_time(status.since)}: generation "
            f"{status.plan.generation}, digest {status.digest[:12]}"
        )
    if status.plan.roles:
        services = status.live.report.services if status.live else ()
        yield table(HEADS, [_row(entry, services) for entry in status.plan.roles])
    for order in status.standing.orders:
        yield f"ordered here: {described(order)}"
    yield _regions(status.live)
    yield from (f"problem: {problem}" for problem in status.problems)


def _row(entry: VlanRole, services: Sequence[VlanService]) -> tuple[str, ...]:
    found = next((each for each in services if each.vlan == entry.vlan), None)
    if not entry.role.paired:
        return str(entry.vlan), entry.interface, entry.role.duty.value, "", "", "", "serves alone"
    state = found.state if found else PeerState.UNKNOWN
    partner = found.partner.value if found else ""
    return (
        *(str(entry.vlan), entry.interface, entry.role.duty.value, str(entry.role.peer_address)),
        *(state.value, partner, STATES[state]),
    )


def described(order: Order) -> str:
    """Write an order with all that belongs to it."""
    until = "until `maasha-rack dhcp resume`"
    if order.ended:
        until = "ended, in effect until a region says what is to run"
    elif order.until is not None:
        until = f"until {_time(order.until)}"
    return f"{order}, since {_time(order.since)}, by {order.by or 'nobody known'}; {until}"


def _regions(live: Live | None) -> str:
    if live is None:
        return (
            "rackd does not run: leases and acts are reported to a region, and a dhcpd that ends "
            "is started again, when it does"
        )
    if not live.links:
        return "no region is reached: DHCP goes on as planned, leases and acts are reported later"
    acting = f"{live.owner} acts for this rack" if live.owner else "none acts for this rack yet"
    return f"linked to {', '.join(live.links)}; {acting}; {live.untold} acts are still to be told"


def outcome(order: OrderKind | None, vlan: VlanId | None, before: Held, after: Held) -> str:
    """Say who serves after an order; `order` is None for the end of one."""
    was = {entry.vlan: entry for entry in before.plan.roles}
    now = {entry.vlan: entry for entry in after.plan.roles}
    base = {entry.vlan: entry for entry in effective(after.base, ()).roles}
    concerned = sorted(each for each in base if vlan is None or each == vlan)
    words = [_fate(each, was.get(each), now.get(each), base[each], order) for each in concerned]
    return "\n".join(words) or "no VLAN is concerned now"


def _fate(
    vlan: VlanId,
    was: VlanRole | None,
    now: VlanRole | None,
    base: VlanRole,
    order: OrderKind | None,
) -> str:
    through = "".join(f" and {each}, relayed to it," for each in base.relayed)
    which = f"VLAN {vlan}{through}".removesuffix(",")
    if now is None:
        return f"{which}: not served here; {_others(base)}{_back(order)}"
    if now.role.duty is Duty.SOLO:
        pinned = "" if order is not None else " until a region forms the pair again"
        return f"{which}: served here alone, all its addresses{pinned}"
    again = " again" if was is None else ""
    return f"{which}: served here{again} as {now.role.duty.value}"


def _others(base: VlanRole) -> str:
    if base.role.paired:
        return (
            f"its failover peer {base.role.peer_address} serves if it is up, of the free addresses "
            "its half until a region lets it serve alone"
        )
    return "NOBODY serves it now"


def _back(order: OrderKind | None) -> str:
    if order is not None:
        return ""
    return (
        "; a region knows of the stop and may have it served elsewhere: served here again when "
        "a region says so"
    )


def _time(instant: datetime | None) -> str:
    return "?" if instant is None else instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")
