"""What attacks cost racks' calls and the region: `python -m benchmarks.attacks [--quick]`.

Each kind of attack in turn, on a region of its own in network namespaces (as root); the calls
without an attack are measured just before it. Ends with 1 if a bar of `benchmarks.bars` is short.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.bars import ATTACKS, WORST_ATTACKS
from benchmarks.figures import Figure, owed, report, short, table
from tests.acceptance.attacker import KINDS
from tests.acceptance.siege import Attack, Field, Memory, besieged, fleet_gathers, fleet_returns

ROUNDS, QUICK_ROUNDS = 5, 2
FLOOR = 0.02
"""Seconds that are fast enough whatever calls take without an attack."""
FLEET = 500
PATIENCE = 60.0
KIB_PER_MIB = 1024

Values = defaultdict[str, list[float]]


def attacked(site: Field, kind: str, sources: list[str], values: Values) -> None:
    """Attack once and note how calls fared."""
    attack = Attack(site, kind)
    with Memory(site.worker()) as memory:
        before = memory.now()
        calm = attack.rehearse()
        called, joined, opened = attack.run(sources)
    values[f"{kind}: calls p99 of what is allowed"].append(
        called["p99"] / max(2 * calm["p99"], FLOOR)
    )
    values[f"{kind}: calls p99 ms"].append(called["p99"] * 1000)
    values[f"{kind}: calls p99 ms before"].append(calm["p99"] * 1000)
    values[f"{kind}: failed calls"].append(len(called["failed"]) + len(calm["failed"]))
    values[f"{kind}: connections"].append(opened)
    values[f"{kind}: a new rack joins, ms"].append(joined["seconds"] * 1000)
    values[f"{kind}: MiB more"].append((memory.most - before) / KIB_PER_MIB)


def run(rounds: int, kinds: list[str], *, fleet: bool) -> dict[str, Figure]:
    """Measure everything so many times."""
    values: Values = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory, besieged(Path(directory)) as site:
        sources = {kind: Attack(site, kind).sources() for kind in kinds}
        for number in range(rounds):
            for kind in kinds if number % 2 == 0 else reversed(kinds):
                attacked(site, kind, sources[kind], values)
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
        if fleet:
            fleet_gathers(site, FLEET)
            for _ in range(rounds):
                seconds = fleet_returns(site, PATIENCE)["seconds"]
                values["500 racks behind one address are back, s"].append(seconds)
    return {name: Figure(name, tuple(found)) for name, found in values.items()}


def main() -> int:
    """Measure, print the table, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the worst kinds only")
    parser.add_argument("--rounds", type=int, help="how many rounds (5, quick 2)")
    parser.add_argument("--json", type=Path, help="where to write the figures that have a bar")
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    kinds = list(WORST_ATTACKS if given.quick else KINDS)
    found, bars = run(rounds, kinds, fleet=not given.quick), owed(ATTACKS, given.quick)
    if given.json:
        given.json.write_text(json.dumps(report(found, bars), indent=1))
    missed = short(found, bars)
    sys.stdout.write(f"{table(found, bars)}\n\n{len(bars) - len(missed)} of {len(bars)} bars met\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
