"""Run lint and every group of tests, and print one total at the end.

Groups that do not share anything run side by side in two lanes; what measures milliseconds comes
last and has the machine to itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET  # our own pytest's reports
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / ".run" / "tests"
BIN = Path(sys.executable).parent

OWED_UNIT = 60.0
"""Seconds of one core that the unit tests may take without coverage on a machine at rest."""
ACCEPTANCE = "tests/acceptance"
QUIET = tuple(
    f"{ACCEPTANCE}/test_{name}.py" for name in ("attacks", "calm", "large", "liveness", "storm")
)
"""What measures milliseconds, or what a thousand racks cost, or takes all of the processors."""
WAITING = tuple(
    f"{ACCEPTANCE}/test_{name}.py"
    for name in (
        *("history", "leases", "losses", "network", "on_the_spot", "outage", "page", "placement"),
        *("primary_dies", "probes", "promises", "rollout", "takeover"),
    )
)
"""What mostly waits, for timers of dhcpd or of balancing; it takes as long as all others do."""
LONGEST_UNIT = 4 * OWED_UNIT
"""What is a failure wherever they run: a core that is shared counts more seconds for the same."""


def pure() -> str:
    """Give the files of the rooms without I/O, every branch of which is tested.

    They are those of the import contracts "pure" and "rules" in setup.cfg; a package stands for
    its modules.
    """
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    contracts = [settings[f"importlinter:contract:{name}"] for name in ("pure", "rules")]
    rooms = [room for contract in contracts for room in contract["source_modules"].split()]
    places = [room.replace(".", "/") for room in rooms]
    return ",".join(f"{place}/*" if (ROOT / place).is_dir() else f"{place}.py" for place in places)


@frozen
class Step:
    """One command; `report` is where pytest writes what it ran, None for other programs.

    More than `limit` seconds of one core are a failure.
    """

    name: str
    argv: tuple[str, ...]
    report: Path | None = None
    limit: float = float("inf")


@frozen
class Outcome:
    """How a step ended; `seconds` is wall time, `busy` is what it took of one core."""

    step: Step
    code: int
    seconds: float
    busy: float
    output: str


@frozen
class Count:
    """What became of the tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


def tool(name: str, *arguments: str) -> Step:
    """Give a lint step that runs a program of the virtual environment."""
    return Step(name, (str(BIN / name), *arguments))


def pytest(name: str, *paths: str, limit: float = float("inf")) -> Step:
    """Give a step that runs pytest on `paths`."""
    report = OUTPUT / f"{name}.xml"
    argv = (sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *paths)
    return Step(name, argv, report, limit)


LINT = (
    tool("ruff", "check", "."),
    Step("format", (str(BIN / "ruff"), "format", "--check", ".")),
    tool("mypy"),
    tool("lint-imports"),
)
UNIT = (pytest("unit", "tests/unit", limit=LONGEST_UNIT),)
SIMULATION = (pytest("simulation", "tests/simulation"),)
COVERAGE = (
    Step("covered", (str(BIN / "coverage"), "run", "-m", "pytest", "-q", "tests/unit")),
    Step(
        "coverage",
        (str(BIN / "coverage"), "report", f"--include={pure()}", "--fail-under=100"),
    ),
)


Lanes = tuple[tuple[Step, ...], ...]
"""Steps that run one after the other, for each of several lanes side by side."""


def phases(only: str | None) -> tuple[Lanes, ...]:
    """Give the lanes of each phase."""
    integration = pytest("integration", "tests/contract", "tests/integration", "tests/lab")
    elsewhere = (f"--ignore={one}" for one in (*WAITING, *QUIET))
    acceptance = pytest("acceptance", ACCEPTANCE, *elsewhere)
    waiting, quiet = pytest("waiting", *WAITING), pytest("quiet", *QUIET)
    every: dict[str, tuple[Lanes, ...]] = {
        "lint": ((LINT,),),
        "unit": (((*UNIT, *SIMULATION), COVERAGE),),
        "integration": (((integration,),),),
        "acceptance": (((acceptance,), (waiting,)), ((quiet,),)),
    }
    if only:
        return every[only]
    return (
        ((*LINT, *UNIT, *SIMULATION), COVERAGE),
        ((integration, acceptance), (waiting,)),
        ((quiet,),),
    )


def run(step: Step) -> Outcome:
    """Run one step and say so when it ended."""
    began, log = time.monotonic(), OUTPUT / f"{step.name}.log"
    with log.open("w") as output:
        child = subprocess.Popen(step.argv, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    busy = usage.ru_utime + usage.ru_stime
    over = f"\n{step.name} took {busy:.0f} s of one core, more than {step.limit:.0f} s\n"
    slow = over if busy > step.limit else ""
    outcome = Outcome(
        step,
        child.returncode or int(busy > step.limit),
        time.monotonic() - began,
        busy,
        log.read_text() + slow,
    )
    word = "ok" if outcome.code == 0 else f"exit {outcome.code}"
    print(
        f"{step.name:<14} {word:<8} {outcome.seconds:6.1f} s, {busy:5.1f} s of a core", flush=True
    )
    return outcome


def run_lane(steps: Iterable[Step]) -> list[Outcome]:
    """Run the steps one after the other, all of them whatever fails."""
    return [run(step) for step in steps]


def run_lanes(lanes: Lanes) -> list[Outcome]:
    """Run the lanes side by side."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        return [outcome for lane in pool.map(run_lane, lanes) for outcome in lane]


def counted(outcome: Outcome) -> Count:
    """Count a pytest step's tests from its report; a missing report is one failure."""
    if outcome.step.report is None:
        return Count(failed=int(outcome.code != 0))
    try:
        suite = ET.parse(outcome.step.report).getroot().find("testsuite")  # noqa: S314  our own file
    except (OSError, ET.ParseError):
        return Count(failed=1)
    if suite is None:
        return Count(failed=1)
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    return Count(int(suite.get("tests", 0)) - failed - skipped, failed, skipped)


def main() -> int:
    """Run it all; gives 0 only if nothing failed and, under CI, nothing was skipped."""
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("--only", choices=("lint", "unit", "integration", "acceptance"))
    chosen = phases(parser.parse_args().only)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    outcomes = [outcome for lanes in chosen for outcome in run_lanes(lanes)]
    for outcome in outcomes:
        if outcome.code != 0 or outcome.step.report:
            print(f"\n===== {outcome.step.name} =====\n{outcome.output}", flush=True)
    total = sum((counted(outcome) for outcome in outcomes), Count())
    broken = any(outcome.code != 0 for outcome in outcomes)
    forbidden_skip = bool(os.environ.get("CI")) and total.skipped > 0
    if forbidden_skip:
        print("a test was skipped, and CI skips nothing")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return int(broken or forbidden_skip)


if __name__ == "__main__":
    sys.exit(main())
