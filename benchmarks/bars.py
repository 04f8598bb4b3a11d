"""The bars of all benchmarks, in one place. A bar without a figure counts as short."""

from __future__ import annotations

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

    def met_by(self, value: float | None) -> bool:
        """Whether the median reaches it."""
        if value is None:
            return False
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}"


RPC = (
    # issue 4, item 2: calls/s and CPU per call as ratios to stock AMP in the same round
    Bar("64 outstanding, calls/s", at_least=6.0, quick=True),
    Bar("64 outstanding, CPU", at_least=5.5, quick=True),
    Bar("1 outstanding, calls/s", at_least=1.9, quick=True),
    Bar("1 outstanding, CPU", at_least=1.7, quick=True),
    Bar("64 connections x 1, calls/s", at_least=2.8, quick=True),
    Bar("40 KiB x 1, calls/s", at_least=1.9, quick=True),
    # issue 4, item 2: the same over TLS, against stock over TLS
    Bar("TLS: 64 outstanding, calls/s", at_least=5.5),
    Bar("TLS: 1 outstanding, calls/s", at_least=1.5),
    Bar("TLS: 64 connections x 1, calls/s", at_least=2.0),
    Bar("TLS: 40 KiB x 1, calls/s", at_least=1.4),
    # issue 4, item 2: a fast call behind a slow one
    Bar("behind a slow call, p99 ms", at_most=2.0, quick=True, unit="ms", peer=""),
    # issue 4, item 2: 5,000 connections at the shipped heartbeat
    Bar("5,000 connections, CPU of stock's", at_most=0.5),
    Bar("5,000 connections, KiB each", at_most=8.0, unit="KiB", peer=""),
    Bar("TLS: 5,000 connections, KiB each", at_most=75.0, unit="KiB", peer=""),
    # issue 4, item 2: other systems, calls/s as ratios in the same round
    Bar("gRPC aio: 1 outstanding, calls/s", at_least=6.0, peer="gRPC aio"),
    Bar("gRPC aio: 64 outstanding, calls/s", at_least=16.0, peer="gRPC aio"),
    Bar("asyncio with msgpack: 64 outstanding, calls/s", at_least=1.0, peer="asyncio, msgpack"),
    # issue 4, item 2: a class that always falls back to stock code cannot pass
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
        # issue 4, item 6: real calls' p99 <= max(2 x idle, 20 ms), RSS + <= 64 MiB
        Bar(f"{kind}: calls p99 of what is allowed", None, 1.0, quick, "share", calm),
        Bar(f"{kind}: MiB more", None, 64.0, quick, "MiB", ""),
        # issue 4, item 6: service for real racks goes on, and there was an attack
        Bar(f"{kind}: failed calls", None, 0.0, quick, "calls", ""),
        Bar(f"{kind}: connections", ATTACKERS[kind], None, quick, "connections", ""),
    )


ATTACKS = (
    *(bar for kind in ATTACKERS for bar in _attack(kind)),
    # issue 4, item 6: 500 racks behind one NAT rejoin
    Bar("500 racks behind one address are back, s", at_most=10.0, unit="s", peer=""),
)

STORM = (
    # issue 4, acceptance: 1,000 racks reconnect after a region's restart
    Bar("1,000 racks are registered again, s", at_most=5.0, quick=True, unit="s", peer=""),
    Bar("API p99 meanwhile, s", at_most=1.0, quick=True, unit="s", peer=""),
    Bar("API calls meanwhile without an answer", at_most=0.0, quick=True, unit="calls", peer=""),
)


def _balance(
    scenario: str, figure: str, most: float, unit: str = "moves", quick: bool = True
) -> Bar:
    return Bar(f"{scenario}; maasha: {figure}", None, most, quick, unit, "")


def _at_rest(scenario: str, quick: bool = True) -> tuple[Bar, ...]:
    return (
        _balance(scenario, "max/mean at the end", 1.25, "max/mean", quick),
        Bar(f"{scenario}; maasha: min/mean at the end", 0.8, None, quick, "min/mean", ""),
        _balance(scenario, "moves at the end", 0.0, quick=quick),
    )


BALANCE = (
    # issue 5, acceptance: 100 racks / 3 x 4 workers, a region returns empty; 33 is ideal, or 66.7
    _balance("100 racks x 1, a region returns", "moves", 34.0),
    _balance("100 racks x 1, a region returns", "max/mean at the end", 1.081, "max/mean"),
    _balance("100 racks x 1, a region returns", "moves at the end", 0.0),
    _balance("100 racks x 2, a region returns", "moves", 67.0),
    _balance("100 racks x 2, a region returns", "max/mean at the end", 1.081, "max/mean"),
    _balance("100 racks x 2, a region returns", "moves at the end", 0.0),
    # issue 5, acceptance: these must act, and then rest
    Bar("(5,5,5,5,4,0); maasha: moves", 1.0, None, True, "moves", ""),
    *_at_rest("(5,5,5,5,4,0)"),
    Bar("(10 x 10, 0); maasha: moves", 1.0, None, True, "moves", ""),
    *_at_rest("(10 x 10, 0)"),
    _balance("6 racks, 1 of 2 regions returns", "moves", 3.0),
    *_at_rest("6 racks, 1 of 2 regions returns"),
    *_at_rest("1,000 racks x 2 / 12, a region returns"),
    *_at_rest("10,000 racks x 2 / 96, 2 % reconnect", quick=False),
    *_at_rest("10,000 racks x 2 / 96, a region returns, 2 % reconnect", quick=False),
    # issue 5, acceptance: plan time for 10,000 racks x 96 workers
    Bar("plan for 10,000 racks x 2 / 96, even, ms", None, 50.0, True, "ms", ""),
    Bar("plan for 10,000 racks x 2 / 96, a region returns, ms", None, 50.0, True, "ms", ""),
    # issue 5, acceptance: moves compared with the optimum on small cases
    Bar("small cases: moves of the optimum's", None, 1.03, True, "share", ""),
    Bar("small cases: moves beyond the optimum, worst", None, 2.0, True, "moves", ""),
)
