"""The bars of all benchmarks, in one place. A bar without a figure counts as short."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from attrs import frozen


@frozen
class Bar:
    """What a figure must reach."""

    figure: str
    at_least: float | None = None
    at_most: float | None = None
    quick: bool = False
    """Whether `--quick` owes it too."""
    unit: str = "x"
    """Of the figure; x is a ratio to the peer in the same round."""
    peer: str = "stock Twisted AMP"
    """Whom the figure compares with; empty: nobody, it stands alone."""
    always: bool = False
    """Whether each round must reach it, and not the median of them only."""

    def deciding(self, values: Sequence[float]) -> float | None:
        """Give what counts: the median, or the first round that is short; None without rounds."""
        short = [value for value in values if self.always and not self.met_by(value)]
        if short:
            return short[0]
        return statistics.median(values) if values else None

    def met_by(self, value: float | None) -> bool:
        """Whether this reaches it."""
        if value is None:
            return False
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        least = [] if self.at_least is None else [f">= {self.at_least:g}"]
        most = [] if self.at_most is None else [f"<= {self.at_most:g}"]
        return ", ".join([*least, *most]) + (" each" if self.always else "")


RPC = (
    # calls/s and CPU per call as ratios to stock AMP in the same round, so machines may differ
    Bar("64 outstanding, calls/s", at_least=6.0, quick=True),
    Bar("64 outstanding, CPU", at_least=5.5, quick=True),
    Bar("1 outstanding, calls/s", at_least=1.9, quick=True),
    Bar("1 outstanding, CPU", at_least=1.7, quick=True),
    Bar("64 connections x 1, calls/s", at_least=2.8, quick=True),
    Bar("40 KiB x 1, calls/s", at_least=1.9, quick=True),
    # the same over TLS, against stock over TLS: encryption costs both the same
    Bar("TLS: 64 outstanding, calls/s", at_least=5.5),
    Bar("TLS: 1 outstanding, calls/s", at_least=1.5),
    Bar("TLS: 64 connections x 1, calls/s", at_least=2.0),
    Bar("TLS: 40 KiB x 1, calls/s", at_least=1.4),
    # a fast call behind a slow one: answers come in any order
    Bar("behind a slow call, p99 ms", at_most=2.0, quick=True, unit="ms", peer=""),
    # 5,000 connections at the shipped heartbeat: what a worker pays for racks at rest
    Bar("5,000 connections, CPU of stock's", at_most=0.5),
    Bar("5,000 connections, KiB each", at_most=8.0, unit="KiB", peer=""),
    Bar("TLS: 5,000 connections, KiB each", at_most=75.0, unit="KiB", peer=""),
    # other systems, calls/s as ratios in the same round
    Bar("gRPC aio: 1 outstanding, calls/s", at_least=6.0, peer="gRPC aio"),
    Bar("gRPC aio: 64 outstanding, calls/s", at_least=16.0, peer="gRPC aio"),
    Bar("asyncio with msgpack: 64 outstanding, calls/s", at_least=1.0, peer="asyncio, msgpack"),
    # a class that always falls back to stock code cannot pass
    Bar("messages off the fast path, share", at_most=0.01, quick=True, unit="share", peer=""),
)

WORST_ATTACKS = ("noise", "huge", "handshakes")
"""Those that cost the most CPU."""
ATTACKERS = {
    "slowloris": 1000,
    "idle": 1000,
    "noise": 100,
    "truncated": 300,
    "huge": 100,
    "proofs": 100,
    "handshakes": 100,
}
"""Connections that each kind of attack wants at a time."""


def _attack(kind: str) -> tuple[Bar, ...]:
    quick, calm = kind in WORST_ATTACKS, "calls without an attack"
    return (
        # real calls' p99 <= max(2 x idle, 20 ms), RSS + <= 64 MiB: strangers cost racks nothing
        Bar(f"{kind}: calls p99 of what is allowed", None, 1.0, quick, "share", calm),
        Bar(f"{kind}: MiB more", None, 64.0, quick, "MiB", ""),
        # service for real racks goes on, and there was an attack
        Bar(f"{kind}: failed calls", None, 0.0, quick, "calls", ""),
        Bar(f"{kind}: connections", ATTACKERS[kind], None, quick, "connections", ""),
    )


ATTACKS = (
    *(bar for kind in ATTACKERS for bar in _attack(kind)),
    # 500 racks behind one NAT rejoin: a source that has proved itself is no attack
    Bar("500 racks behind one address are back, s", at_most=10.0, unit="s", peer=""),
)

STORM = (
    # 1,000 racks reconnect after a region's restart, and people can still ask it
    Bar("1,000 racks are registered again, s", at_most=5.0, quick=True, unit="s", peer=""),
    Bar("API p99 meanwhile, s", at_most=1.0, quick=True, unit="s", peer=""),
    Bar("API calls meanwhile without an answer", at_most=0.0, quick=True, unit="calls", peer=""),
)


DHCP = (
    # 10,000 reserved addresses in 200 subnets, on one rack
    Bar("10,000 hosts in 200 subnets: rendered, checked, applied, s", None, 1.0, True, "s", ""),
    # one of them, while dhcpd runs on, and the whole way from a call of the API
    Bar("one host on one rack, of rewrite and restart", None, 0.5, True, peer="rewrite, restart"),
    Bar("a host added: API call -> offered by both, ms", None, 100.0, True, "ms", ""),
    Bar("a host moved: API call -> offered by both, ms", None, 100.0, True, "ms", ""),
    Bar("dhcpds restarted by it", None, 0.0, True, "restarts", "", always=True),
    # leases of pools, dhcpd as rackd runs it against dhcpd alone
    Bar("dhcpd's CPU for a lease, of bare dhcpd's", None, 1.05, True, peer="bare dhcpd"),
    Bar("rackd, MiB", None, 96.0, True, "MiB", ""),
    Bar("dhcpd, MiB", None, 48.0, True, "MiB", ""),
)


def _balance(
    scenario: str,
    figure: str,
    unit: str,
    *,
    most: float | None = None,
    least: float | None = None,
    quick: bool = True,
) -> Bar:
    """Give a bar that holds in every round: chance makes each of them another world."""
    return Bar(f"{scenario}; maasha: {figure}", least, most, quick, unit, "", always=True)


def _moves(scenario: str, most: float, least: float | None = None) -> Bar:
    """Give how many moves there may be, and how many there must be."""
    return _balance(scenario, "moves", "moves", most=most, least=least)


def _at_rest(scenario: str, greatest: float = 1.25, quick: bool = True) -> tuple[Bar, ...]:
    """Give what any world must come to: stillness, and loads within the outer band."""
    return (
        _balance(scenario, "max/mean at the end", "max/mean", most=greatest, quick=quick),
        _balance(scenario, "min/mean at the end", "min/mean", least=0.8, quick=quick),
        _balance(scenario, "moves at the end", "moves", most=0.0, quick=quick),
    )


def _evened(scenario: str, greatest: float = 1.25) -> tuple[Bar, ...]:
    """Give what it comes to where the balancer must act and nothing disturbs it: the inner band."""
    beyond = _balance(scenario, "ticks beyond 1.10 at the end", "ticks", most=0.0)
    return *_at_rest(scenario, greatest), beyond


BALANCE = (
    # a region of three returns empty: a third of the links is too much for the others, 33 or 66.7
    _moves("100 racks x 1, a region returns", 34.0),
    *_evened("100 racks x 1, a region returns", 1.081),
    _moves("100 racks x 2, a region returns", 67.0),
    *_evened("100 racks x 2, a region returns", 1.081),
    _moves("1,000 racks x 2 / 12, a region returns", 667.0),
    *_evened("1,000 racks x 2 / 12, a region returns"),
    # an empty worker, or region, where a rule by the greatest load alone sees nothing: it must act
    _moves("(5,5,5,5,4,0)", 4.0, least=1.0),
    *_evened("(5,5,5,5,4,0)"),
    _moves("(10 x 10, 0)", 9.0, least=1.0),
    *_evened("(10 x 10, 0)"),
    _moves("6 racks, 1 of 2 regions returns", 3.0, least=1.0),
    *_evened("6 racks, 1 of 2 regions returns"),
    # links that come and go all the time disturb a large cluster: the outer band, and no moves
    *_at_rest("10,000 racks x 2 / 96, 2 % reconnect", quick=False),
    *_at_rest("10,000 racks x 2 / 96, a region returns, 2 % reconnect", quick=False),
    # the leader plans each second, beside all that its worker does for racks and people
    Bar("plan for 10,000 racks x 2 / 96, even, ms", None, 50.0, True, "ms", ""),
    Bar("plan for 10,000 racks x 2 / 96, a region returns, ms", None, 50.0, True, "ms", ""),
    Bar("plan for 1,000 racks x 2 / 8, 2,000 random pairs, ms", None, 50.0, True, "ms", ""),
    # no wasted moves: compared with a minimum-cost flow
    Bar("small cases: moves of the optimum's", None, 1.03, True, "share", ""),
    Bar("small cases: moves beyond the optimum, worst", None, 2.0, True, "moves", "", always=True),
)
