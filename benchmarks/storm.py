"""What a region's restart costs a thousand racks: `python -m benchmarks.storm [--quick]`.

The racks (in two processes, as root in network namespaces) keep one link each; the region is killed
with all its processes and started again. Measured is from when its first worker takes racks until
the last of them has its welcome, and what one caller of the API notices of it. Ends with 1 if a bar
of `benchmarks.bars` is short.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.bars import STORM
from benchmarks.figures import Figure, conclude, owed
from tests.acceptance.storm import Storm, stormy

RACKS = 1000
ROUNDS, QUICK_ROUNDS = 5, 1

Values = defaultdict[str, list[float]]


def note(storm: Storm, values: Values) -> None:
    """Take the figures of one storm."""
    values["1,000 racks are registered again, s"].append(storm.linked)
    values["API p99 meanwhile, s"].append(storm.slowest)
    values["API calls meanwhile without an answer"].append(storm.unanswered)
    values["1,000 racks have heard from their owners, s"].append(storm.owned)
    values["API answers again, s"].append(storm.first_answer)
    values["region killed -> ready, s"].append(storm.restart)
    for name, seconds in storm.cpu.items():
        values[f"CPU of {name} for each rack, ms"].append(seconds / RACKS * 1000)


def run(rounds: int) -> dict[str, Figure]:
    """Measure so many restarts."""
    values: Values = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory, stormy(Path(directory), RACKS) as site:
        for number in range(rounds):
            storm = site.storm()
            note(storm, values)
            sys.stderr.write(f"round {number + 1} of {rounds}: {dict(storm.errors)}\n")
    return {name: Figure(name, tuple(found)) for name, found in values.items()}


def main() -> int:
    """Measure, print the table, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one restart")
    parser.add_argument("--rounds", type=int, help="how many restarts (5, quick 1)")
    parser.add_argument("--json", type=Path, help="where to write the figures that have a bar")
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    found, bars = run(rounds), owed(STORM, given.quick)
    return conclude(found, bars, given.json)


if __name__ == "__main__":
    sys.exit(main())
