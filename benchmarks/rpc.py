"""The RPC layer against stock AMP and others: `python -m benchmarks.rpc [--quick] [--json FILE]`.

All systems run in every round, one after the other, in reverse order every other round; server and
client have a core each. Ends with 1 if a bar of `benchmarks.bars` is short.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import certificates, processes
from benchmarks.bars import RPC, Bar
from benchmarks.figures import Figure, Round, figures, table

ROUNDS = 5
QUICK_ROUNDS = 3
QUICK_SCALE = 0.4
"""Share of the usual time for a phase."""
CROWD = 5000
"""Connections."""
CROWD_ROUNDS = 2
"""A crowd takes half a minute and hardly scatters."""

System = Callable[[], dict[str, Any]]


def _amp(*words: str) -> System:
    return lambda: processes.measured("benchmarks.amp_peer", *words)


def _crowd(kind: str, *words: str) -> System:
    return lambda: processes.measured("benchmarks.crowd", kind, str(CROWD), *words)


QUICK: dict[str, System] = {
    "stock": _amp("stock"),
    "maasha": _amp("maasha"),
    "stock fan64": _amp("stock", "fan64"),
    "maasha fan64": _amp("maasha", "fan64"),
    "maasha slow": _amp("maasha", "slow"),
}
FULL: dict[str, System] = {
    **QUICK,
    "stock tls": _amp("stock", "tls"),
    "maasha tls": _amp("maasha", "tls"),
    "stock tls fan64": _amp("stock", "tls", "fan64"),
    "maasha tls fan64": _amp("maasha", "tls", "fan64"),
    "msgpack": lambda: processes.measured("benchmarks.msgpack_peer"),
    "grpc": lambda: processes.measured("benchmarks.grpc_peer"),
}
CROWDS: dict[str, System] = {
    "stock crowd": _crowd("stock"),
    "maasha crowd": _crowd("maasha"),
    "maasha tls crowd": _crowd("maasha", "tls"),
}


def run(rounds: int, quick: bool) -> list[Round]:
    """Measure all systems so many times; one that breaks is missing from its round."""
    found = []
    for number in range(rounds):
        systems = dict(QUICK if quick else FULL)
        if not quick and number < CROWD_ROUNDS:
            systems |= CROWDS
        names = list(systems)
        each: Round = {}
        for name in names if number % 2 == 0 else reversed(names):
            try:
                each[name] = systems[name]()
            except processes.Broken as error:
                sys.stderr.write(f"{name} broke: {error}\n")
        found.append(each)
        sys.stderr.write(f"round {number + 1} of {rounds}\n")
    return found


def short(found: dict[str, Figure], quick: bool) -> list[Bar]:
    """Give the bars that are owed and not met."""
    owed = [bar for bar in RPC if bar.quick or not quick]
    return [bar for bar in owed if not bar.met_by(_median(found.get(bar.figure)))]


def _median(figure: Figure | None) -> float | None:
    return figure.median if figure else None


def report(found: dict[str, Figure], owed: tuple[Bar, ...]) -> list[dict[str, Any]]:
    """Give the owed figures for a machine to read."""
    return [_row(bar, _median(found.get(bar.figure))) for bar in owed]


def _row(bar: Bar, median: float | None) -> dict[str, Any]:
    return {
        "name": bar.figure,
        "value": median,
        "unit": bar.unit,
        "peer": bar.peer,
        "ratio": median if bar.unit == "x" else None,
        "bar": str(bar),
        "holds": bar.met_by(median),
    }


def main() -> int:
    """Measure, print the table, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rpc", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three rounds of the main shapes")
    parser.add_argument("--rounds", type=int, help="how many rounds (5, quick 3)")
    parser.add_argument("--json", type=Path, help="where to write everything")
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    with tempfile.TemporaryDirectory() as folder, processes.spinners():
        certificates.make(Path(folder))
        os.environ["BENCH_FOLDER"] = folder
        os.environ["BENCH_SCALE"] = str(QUICK_SCALE if given.quick else 1.0)
        measured = run(rounds, given.quick)
    found = figures(measured)
    missed = short(found, given.quick)
    owed = tuple(bar for bar in RPC if bar.quick or not given.quick)
    if given.json:
        given.json.write_text(json.dumps(report(found, owed), indent=1))
    sys.stdout.write(table(found, owed) + "\n\n")
    sys.stdout.write(f"{len(owed) - len(missed)} of {len(owed)} bars met\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
