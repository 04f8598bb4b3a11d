"""Many racks with links to several regions, in a lab, and what all of them notice of each other."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from lab import Host, HostProcess, Lab, Network, until
from tests.acceptance.faults import End, Fault, carry_out
from tests.acceptance.journal import Note, Reader, What
from tests.acceptance.stalls import stalled

REGIONS, RACKS = 8, 24
STEPS = (0, 1, 3)
"""Rack n has links to the regions n, n + 1 and n + 3, modulo 8."""
ADDRESS, FIRST_PORT = "10.100.0.1", 5250
PRIORITY = 10
PREFERRED = ("chrt", "--rr", str(PRIORITY))
SEED = 4
SPREAD = 2.0
"""Seconds in which the faults of a test begin."""
UPSET = 0.2, 3.0
"""After the machine has stood still for so long in so many seconds anybody may be suspected."""
STATES = (What.LINKED, What.SUSPECT, What.HEALTHY, What.LOST)
ALARMS = (What.SUSPECT, What.LOST, What.FAILED)

LINKS = [(f"rack{n}", f"region{(n + step) % REGIONS}") for n in range(RACKS) for step in STEPS]
ENDS = [End(*link) for link in LINKS] + [End(*link).other for link in LINKS]


def pinned(processor: int) -> tuple[str, ...]:
    """Give what keeps a program on one processor."""
    return ("taskset", "--cpu-list", str(processor))


@contextmanager
def preferred() -> Iterator[None]:
    """Have this thread, and what it starts, run as promptly as the racks."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def names(side: str) -> list[str]:
    """Give all racks, or all regions."""
    return [f"{side}{number}" for number in range(RACKS if side == "rack" else REGIONS)]


def other(side: str) -> str:
    """Give who watches a side."""
    return "region" if side == "rack" else "rack"


def ends(observer: str, faults: Sequence[Fault]) -> list[tuple[Fault, End]]:
    """Give the ends, at racks or regions (`observer`), that are to notice each fault."""
    return [
        (fault, end)
        for fault in faults
        for end in ENDS
        if fault.name in (end.who, end.peer) and end.who.startswith(observer)
    ]


def calm(notes: Sequence[Note], moment: float) -> bool:
    """Whether the machine had run well before that."""
    length, before = UPSET
    return stalled(notes, moment - before, moment) < length


@define(eq=False)
class Crowd:
    """The lab, its processes by name, and their journal."""

    lab: Lab
    network: Network
    journal: Reader
    processes: dict[str, HostProcess] = field(factory=dict)

    @classmethod
    def gather(cls, lab: Lab) -> Crowd:
        """Start regions and racks; returns when all links stand."""
        network, journal = lab.network("mgmt", "10.100.0.0/24"), lab.directory / "journal"
        journal.touch()
        made = cls(lab, network, Reader(journal))
        made._start_regions()
        for number in range(RACKS):
            made._start_rack(number)
        made.wait_linked()
        return made

    @property
    def regions(self) -> Host:
        """The host of all regions."""
        return self.lab.hosts["regions"]

    def _start_regions(self) -> None:
        host = self.lab.host("regions", {self.network: ADDRESS})
        for processor in sorted(os.sched_getaffinity(0)):
            rank = (*pinned(processor), *PREFERRED)
            name = f"stalls{processor}"
            self.start(host, name, "stalls", name, str(self.journal.path), rank=rank)
        for number in range(REGIONS):
            self.start_end(host, "region", number, str(FIRST_PORT + number))

    def _start_rack(self, number: int) -> None:
        host = self.lab.host(f"rack{number}", {self.network: f"10.100.0.{10 + number}"})
        there = ((number + step) % REGIONS for step in STEPS)
        self.start_end(host, "rack", number, ADDRESS, *(f"{n}:{FIRST_PORT + n}" for n in there))

    def start(
        self,
        host: Host,
        name: str,
        module: str,
        *arguments: str,
        rank: tuple[str, ...] = PREFERRED,
    ) -> None:
        """Start a program of the tests on a host."""
        argv = (*rank, sys.executable, "-m", f"tests.acceptance.{module}", *arguments)
        self.processes[name] = host.popen(argv, log=host.directory / f"{name}.log")

    def start_end(
        self,
        host: Host,
        role: str,
        number: int,
        where: str,
        *regions: str,
        rank: tuple[str, ...] = PREFERRED,
    ) -> None:
        """Start an end; `where` is a region's port or a rack's way to the regions."""
        arguments = role, str(number), where, str(self.journal.path), *regions
        self.start(host, f"{role}{number}", "ends", *arguments, rank=rank)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Signal an end that runs."""
        process = self.processes[name].id
        assert process is not None
        assert process.signal(number)

    def stop(self, name: str) -> Fault:
        """Stop a process, and have it go on."""
        stop, go_on = signal.SIGSTOP, signal.SIGCONT
        return Fault(name, lambda: self.signal(name, stop), lambda: self.signal(name, go_on))

    def kill(self, name: str) -> Fault:
        """Kill a process, for ever."""
        return Fault(name, lambda: self.signal(name, signal.SIGKILL))

    def processor_time(self, name: str) -> float:
        """Give the seconds of a processor that an end has had, proc(5)."""
        process = self.processes[name].id
        assert process is not None
        stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def wait_linked(self) -> None:
        """Wait until each rack has its links, and all are content with them."""
        content = dict.fromkeys(ENDS, 1)
        until(lambda: self._links() == content, "all links", timeout=30.0, interval=0.1)

    def _links(self) -> dict[End, int]:
        """Count the links that each end has and thinks well of."""
        last = {
            (End(note.who, note.peer), note.link): note.what
            for note in self.journal.look()
            if note.what in STATES
        }
        count = dict.fromkeys(ENDS, 0)
        for (end, _), what in last.items():
            if end in count:
                count[end] += what in (What.LINKED, What.HEALTHY)
        return count

    def since(self, moment: float) -> list[Note]:
        """Give what was noticed since (time.monotonic())."""
        return [note for note in self.journal.look() if note.at >= moment]

    def suffer(self, faults: Sequence[Fault], lasting: float, observed: float = 0.0) -> list[Note]:
        """Let the faults happen; gives what was noticed until some time after.

        Nobody but those concerned notices anything.
        """
        began = time.monotonic()
        with preferred():
            carry_out(faults, random.Random(SEED), SPREAD, lasting)
        time.sleep(observed)
        notes = self.since(began)
        alarms = [note for note in notes if note.what in ALARMS and calm(notes, note.at)]
        assert [one for one in alarms if not any(fault.concerns(one) for fault in faults)] == []
        return notes
