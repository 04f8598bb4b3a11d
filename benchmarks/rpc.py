"""The RPC layer against stock AMP and others: `python -m benchmarks.rpc [--quick] [--json FILE]`.

All systems run in every round, one after the other, in reverse order every other round; server and
client have a core each. Ends with 1 if a bar of `benchmarks.bars` is short.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.bars import RPC
from benchmarks.figures import owed, report, short, table
from benchmarks.rpc_figures import Round, figures, systems

ROUNDS = 5
QUICK_ROUNDS = 3
QUICK_SCALE = 0.4
"""Share of the usual time for a phase."""
CROWD = 5000
"""Connections."""

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
    "stock await": _amp("stock", "await"),
    "maasha await": _amp("maasha", "await"),
    "msgpack": lambda: processes.measured("benchmarks.msgpack_peer"),
    "grpc": lambda: processes.measured("benchmarks.grpc_peer"),
    "stock crowd": _crowd("stock"),
    "maasha crowd": _crowd("maasha"),
    "maasha tls crowd": _crowd("maasha", "tls"),
}


def chosen(quick: bool, number: int) -> list[str]:
    """Give the systems of a round in their order; every other round goes backwards."""
    names = list(QUICK if quick else FULL)
    return names if number % 2 == 0 else names[::-1]


def run(rounds: int, quick: bool) -> list[Round]:
    """Measure all systems so many times; one that breaks is missing from its round."""
    found = []
    for number in range(rounds):
        each: Round = {}
        for name in chosen(quick, number):
            try:
                each[name] = FULL[name]()
            except processes.Broken as error:
                sys.stderr.write(f"{name} broke: {error}\n")
        found.append(each)
        sys.stderr.write(f"round {number + 1} of {rounds}\n")
    return found


def main() -> int:
    """Measure, print the table, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rpc", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three rounds of the main shapes")
    parser.add_argument("--rounds", type=int, help="how many rounds (5, quick 3)")
    parser.add_argument("--json", type=Path, help="where to write the figures that have a bar")
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    with processes.spinners():
        os.environ["BENCH_SCALE"] = str(QUICK_SCALE if given.quick else 1.0)
        measured = run(rounds, quick=given.quick)
    found, bars = figures(measured), owed(RPC, given.quick)
    missed = short(found, bars)
    if given.json:
        given.json.write_text(json.dumps(report(found, bars), indent=1) + "\n")
    sys.stdout.write(f"{systems(measured)}\n\n{table(found, bars)}\n\n")
    sys.stdout.write(f"{len(bars) - len(missed)} of {len(bars)} bars met\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
