"""How evenly and with how few moves racks are placed: `python -m benchmarks.balance [--quick]`.

The balancer plans for simulated clusters, beside others' ways in the same worlds: do nothing, dial
anew by a timer, every rack for itself on stale data, and consistent hashing with bounded loads. Its
moves are also held against the optimum of a minimum-cost flow, and its time per plan is measured.
Ends with 1 if a bar of `benchmarks.bars` is short.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

from attrs import evolve

from benchmarks.balance_peers import PEERS
from benchmarks.balance_world import START, Course, Scenario, begin, chance, course
from benchmarks.bars import BALANCE
from benchmarks.figures import Figure, columns, owed, report, short, shown, table
from maasha.balancer.plan import plan
from maasha.balancer.policy import POLICY
from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.model.placement import Link, Pair, Placement, Rack, Worker
from tests.unit.balancer.flow import fewest_moves

ROUNDS, QUICK_ROUNDS = 5, 1
SMALL_CASES = 200
"""Random placements of up to 30 racks that are compared with the optimum in each round."""
PLANS = 7
"""How often a plan is timed in each round; the median counts."""

RETURNS_1 = Scenario("100 racks x 1, a region returns", (4, 4, 4), 100, 1, gone=4)
RETURNS_2 = Scenario("100 racks x 2, a region returns", (4, 4, 4), 100, 2, gone=4)
ONE_EMPTY = Scenario("(5,5,5,5,4,0)", (6,), 24, 1, counts=(5, 5, 5, 5, 4, 0))
TEN = Scenario("(10 x 10, 0)", (11,), 100, 1, counts=(*[10] * 10, 0))
TWO = Scenario("6 racks, 1 of 2 regions returns", (1, 1), 6, 1, gone=1)
THOUSAND = Scenario("1,000 racks x 2 / 12, a region returns", (4, 4, 4), 1000, 2, gone=4)
LARGE = Scenario("10,000 racks x 2 / 96, 2 % reconnect", (32,) * 3, 10_000, 2, churn=0.02)
LARGE_RETURNS = Scenario(
    "10,000 racks x 2 / 96, a region returns, 2 % reconnect", (32,) * 3, 10_000, 2, 32, churn=0.02
)
PARTNERS = Scenario("1,000 racks x 2 / 8", (4, 4), 1000, 2)
PAIRED = "plan for 1,000 racks x 2 / 8, 2,000 random pairs"
QUICK = (RETURNS_1, RETURNS_2, ONE_EMPTY, TEN, TWO, THOUSAND)
FULL = (*QUICK, LARGE, LARGE_RETURNS)

Values = defaultdict[str, list[float]]


def compare(scenarios: tuple[Scenario, ...], seed: int, values: Values) -> None:
    """Run each scenario with each of them."""
    for scenario in scenarios:
        for name, made in PEERS.items():
            note(scenario, name, course(scenario, made(chance(seed)), seed), values)


def note(scenario: Scenario, name: str, ran: Course, values: Values) -> None:
    """Take the figures of one run."""
    values[f"{scenario.name}; {name}: moves"].append(ran.moves)
    values[f"{scenario.name}; {name}: moves at the end"].append(ran.late)
    values[f"{scenario.name}; {name}: max/mean at the end"].append(ran.steady)
    values[f"{scenario.name}; {name}: min/mean at the end"].append(ran.least)
    values[f"{scenario.name}; {name}: ticks beyond 1.10 at the end"].append(ran.loose)
    if ran.even_after is not None:
        values[f"{scenario.name}; {name}: even after, s"].append(ran.even_after)


def small(seed: int) -> Iterator[tuple[int, int]]:
    """Give the moves of plans, and the fewest there could be, for random small clusters."""
    random, found = chance(seed), 0
    while found < SMALL_CASES:
        placement = skewed(random)
        moves, fewest = len(plan(placement, POLICY, START).moves), fewest_moves(placement, POLICY)
        if moves and fewest is not None:
            found += 1
            yield moves, fewest


def skewed(random: Random) -> Placement:
    """Give up to 12 workers on up to 3 regions, and racks that like some of them better."""
    size, regions = random.randint(1, 4), random.randint(1, 3)
    crew = [
        Worker(WorkerId(region * size + n + 1), SystemId(f"r{region:05d}"))
        for region in range(regions)
        for n in range(size)
    ]
    taste = {worker.id: random.choice((0.01, 0.3, 1, 1, 3)) for worker in crew}
    links: list[Link] = []
    racks = random.randint(3, 30)
    for rack in range(racks):
        homes = {worker.region for worker in crew}
        for _ in range(random.randint(1, min(2, regions))):
            choices = [worker for worker in crew if worker.region in homes]
            (to,) = random.choices(choices, [taste[worker.id] for worker in choices])
            homes.discard(to.region)
            links.append(Link(LinkId(len(links)), RackKey(rack), to.id))
    owners = {link.rack: Rack(link.rack, link.worker) for link in links}
    return Placement(tuple(crew), tuple(links), tuple(owners.values()))


def optimum(seed: int, values: Values) -> None:
    """Compare with the fewest moves."""
    both = list(small(seed))
    values["small cases: moves beyond the optimum, worst"].append(max(a - b for a, b in both))
    values["small cases: moves of the optimum's"].append(
        sum(moves for moves, _ in both) / sum(fewest for _, fewest in both)
    )


def timed(placement: Placement) -> float:
    """Give the milliseconds that a plan takes, the median of several."""
    took = []
    for _ in range(PLANS):
        began = time.perf_counter()
        plan(placement, POLICY, START)
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[PLANS // 2]


def times(seed: int, values: Values) -> None:
    """Time a plan of nothing and one of thousands of moves and flips."""
    for scenario, what in ((LARGE, "even"), (LARGE_RETURNS, "a region returns")):
        placement, _ = begin(scenario, chance(seed))
        values[f"plan for 10,000 racks x 2 / 96, {what}, ms"].append(timed(placement))
    values[f"{PAIRED}, ms"].append(timed(paired(chance(seed))))


def paired(random: Random) -> Placement:
    """Give racks that are partners of any others, many of which nothing can part."""
    placement, _ = begin(PARTNERS, random)
    keys = [rack.key for rack in placement.racks]
    pairs = tuple(Pair(*random.sample(keys, 2)) for _ in range(2 * len(keys)))
    return evolve(placement, pairs=pairs)


def run(rounds: int, *, quick: bool) -> dict[str, Figure]:
    """Measure so many rounds, each with its own seed."""
    values: Values = defaultdict(list)
    for seed in range(rounds):
        times(seed, values)
        optimum(seed, values)
        compare(QUICK if quick else FULL, seed, values)
        sys.stderr.write(f"round {seed + 1} of {rounds}\n")
    return {name: Figure(name, tuple(found)) for name, found in values.items()}


def beside(found: dict[str, Figure], scenarios: tuple[Scenario, ...]) -> str:
    """Write a table of all ways in all scenarios, with the medians."""
    ran = [f"{scenario.name}; {name}" for scenario in scenarios for name in PEERS]
    rows = [[one, *(_cell(found, f"{one}: {what}") for what in WHAT)] for one in ran]
    return columns(("", *WHAT), rows)


WHAT = (
    "moves",
    "moves at the end",
    "max/mean at the end",
    "min/mean at the end",
    "even after, s",
)


def _cell(found: dict[str, Figure], name: str) -> str:
    return shown(found[name].median) if name in found else "never"


def main() -> int:
    """Measure, print the tables, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.balance", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, without the large worlds")
    parser.add_argument("--rounds", type=int, help="how many rounds (5, quick 1)")
    parser.add_argument("--json", type=Path, help="where to write the figures that have a bar")
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    found, bars = run(rounds, quick=given.quick), owed(BALANCE, given.quick)
    if given.json:
        given.json.write_text(json.dumps(report(found, bars), indent=1) + "\n")
    missed = short(found, bars)
    barred = {bar.figure: found[bar.figure] for bar in bars if bar.figure in found}
    met = len(bars) - len(missed)
    sys.stdout.write(f"{beside(found, QUICK if given.quick else FULL)}\n\n")
    sys.stdout.write(f"{table(barred, bars)}\n\n{met} of {len(bars)} bars met\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
