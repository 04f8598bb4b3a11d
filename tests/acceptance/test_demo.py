"""`make run` starts a cluster or finds it again, and `make stop` ends exactly what it started."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from lab import Lab
from lab.host import PROJECT
from lab.process import Process, neighbours
from lab.testing import require

pytestmark = pytest.mark.root

KEY = re.compile(r"^API key  (\S{18}:\S{18}:\S{32})$", re.MULTILINE)


PORT = 5247
DIRECTORY = PROJECT / ".run" / "demo-of-the-tests"
ADDRESS = f"http://localhost:{PORT}/MAAS/"
"""The demo of the tests is not the one that a user may be looking at."""


def make(target: str) -> str:
    """Run a target and give what it prints."""
    done = subprocess.run(
        ["make", target],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "MAASHA_DEMO_DIRECTORY": str(DIRECTORY), "MAASHA_DEMO_PORT": str(PORT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def printed() -> Iterator[str]:
    """Give what the first `make run` prints; whatever it started is ended."""
    require()
    make("stop")
    yield make("run")
    make("stop")


def everything() -> set[Process]:
    """Give all processes of the demo's hosts but the short-lived ones of a health check."""
    lab = Lab.adopt(DIRECTORY)
    assert lab is not None
    anchors = [host.anchor.pid for host in lab.hosts.values()]
    return {process for anchor in anchors for process in neighbours(anchor)}


def daemons(found: set[Process]) -> set[Process]:
    """Give the long-lived daemons among processes."""
    names = ("maasha-regiond", "maasha.daemon.worker", "maasha-rackd", "bin/postgres -D")
    return {process for process in found if any(process.matches(name) for name in names)}


def test_a_newcomer_gets_a_cluster_with_one_command(printed: str) -> None:
    """Address, key and status tables are printed; run again, the same cluster is found."""
    assert ADDRESS in printed
    for words in ("Regions: 1 of 1 running, 4 workers", "Racks: 2 of 2 connected"):
        assert words in printed
    with urlopen(f"{ADDRESS}rpc/", timeout=10) as answer:  # noqa: S310  our own address
        assert len(json.load(answer)["eventloops"]) == 4
    first = daemons(everything())
    again = make("run")
    assert KEY.findall(again) == KEY.findall(printed) != []
    assert daemons(everything()) == first


def test_it_ends_all_also_without_its_runner(printed: str) -> None:  # noqa: ARG001  it must run
    """A killed runner is started again by the next `make run`; `make stop` needs none."""
    runners = {process for process in everything() if process.matches("-m lab.runner")}
    assert len(runners) == 4
    for runner in runners:
        runner.id.signal(signal.SIGKILL)
    kept = daemons(everything())
    make("run")
    assert daemons(everything()) == kept
    for process in everything():
        if process.matches("-m lab.runner"):
            process.id.signal(signal.SIGKILL)
    all_of_them = everything()
    make("stop")
    assert not [process for process in all_of_them if process.id.alive()]


def test_it_says_that_it_needs_root() -> None:
    """An ordinary user is told what to type."""
    program = "import os, sys, lab.demo; os.seteuid(65534); sys.exit(lab.demo.main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "up"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "sudo make run" in done.stderr
