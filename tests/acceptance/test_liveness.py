"""Whoever is gone is known to be gone in time, and whoever is only slow is not given up.

24 racks, each a process on a host of its own with links to three of eight regions, meet their
faults at random moments. All have real-time priority, and time in which the machine did not run
such processes is not charged: what counts is what the library makes of a fault.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import define

from lab import Cable, Host, HostProcess, Lab, until
from lab.testing import require
from tests.acceptance.crowd import (
    ADDRESS,
    FIRST_PORT,
    PREFERRED,
    RACKS,
    REGIONS,
    STATES,
    Crowd,
    calm,
    ends,
    names,
    other,
    pinned,
)
from tests.acceptance.faults import End, Fault, calls_to_suspects, delay, served
from tests.acceptance.figures import Figures
from tests.acceptance.journal import Note, What
from tests.acceptance.stalls import stalled

pytestmark = pytest.mark.root

KILLED, SUSPECT, DEAD = 0.1, 1.0, 3.0
"""Seconds in which a fault must be known: a process that ended, a peer that is not to be called
until it is heard again, and one that is to be given up."""
ALLOWANCE = 0.05
"""Seconds more for a suspicion, which by the beats may take 0.9 s: for making the fault, and for a
process that waits for its turn."""
LASTING = DEAD + 0.2
PAUSE = 1.0
"""Seconds for which a peer is stopped that nobody may give up."""
BUSY = 30.0
"""Seconds for which a worker is kept busy that nobody may give up."""
RIVALS = 3
"""Busy loops beside it."""
LOADED = 10
"""Links over which it is called without a pause."""

SIDES = pytest.mark.parametrize("side", ["rack", "region"])


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Give regions and racks."""
    require()
    lab = Lab("liveness", tmp_path_factory.mktemp("liveness"))
    try:
        yield Crowd.gather(lab)
    finally:
        lab.close()


@pytest.fixture
def linked(crowd: Crowd) -> Crowd:
    """Give them when all links stand."""
    crowd.wait_linked()
    return crowd


@define
class Verdict:
    """Holds what was noticed in one test against what is demanded."""

    figures: Figures
    notes: Sequence[Note]
    dead: Sequence[str] = ()
    """Who notices nothing any more."""

    def within(
        self, bound: float, what: What, kind: str, observer: str, faults: Sequence[Fault]
    ) -> None:
        """Check how soon every end concerned noticed; prints the distribution."""
        alive = [(fault, end) for fault, end in ends(observer, faults) if end.who not in self.dead]
        waits = [delay(self.notes, fault, end, what) for fault, end in alive]
        self.figures.distribution(f"{kind} -> {what.value} at the {observer}", waits)
        charged = [
            wait - stalled(self.notes, fault.began, fault.began + wait)
            for wait, (fault, _) in zip(waits, alive, strict=True)
        ]
        assert len(charged) >= 20
        assert max(charged) <= bound

    def unsent(self, observer: str, faults: Sequence[Fault]) -> None:
        """Check that what was called while the peer was suspect left afterwards, if ever."""
        for _, end in ends(observer, faults):
            called, taken = calls_to_suspects(self.notes, end), served(self.notes, end)
            assert called, end
            early = {number for number, over in called.items() if taken.get(number, over) < over}
            assert not early, end

    def answered(self, observer: str, faults: Sequence[Fault]) -> None:
        """Check that no call failed, and that those to suspects were answered."""
        assert [note for note in self.notes if note.what is What.FAILED] == []
        done = {(note.who, note.number) for note in self.notes if note.what is What.ANSWERED}
        for _, end in ends(observer, faults):
            assert {(end.who, number) for number in calls_to_suspects(self.notes, end)} <= done

    def once(self, observer: str, faults: Sequence[Fault]) -> None:
        """Check that each end changed its mind twice, and nobody else did."""
        changes = Counter(
            (End(note.who, note.peer), note.what)
            for note in self.notes
            if note.what in STATES and calm(self.notes, note.at)
        )
        concerned = {end for _, end in ends(observer, faults)}
        twice = {(end, what) for end in concerned for what in (What.SUSPECT, What.HEALTHY)}
        assert set(changes) <= twice
        assert set(changes.values()) <= {1}


@SIDES
def test_a_stopped_peer_is_suspect_then_dead(linked: Crowd, figures: Figures, side: str) -> None:
    """A process that does not run is called no more within 1 s, its links end within 3 s."""
    faults = [linked.stop(name) for name in names(side)]
    verdict = Verdict(figures, linked.suffer(faults, LASTING))
    kind = f"{side} SIGSTOPped"
    verdict.within(SUSPECT + ALLOWANCE, What.SUSPECT, kind, other(side), faults)
    verdict.within(DEAD, What.LOST, kind, other(side), faults)
    verdict.unsent(other(side), faults)


@SIDES
def test_a_short_stop_is_forgiven(linked: Crowd, figures: Figures, side: str) -> None:
    """Its links last, it is suspect and healthy once each, and calls only wait."""
    faults = [linked.stop(name) for name in names(side)]
    verdict = Verdict(figures, linked.suffer(faults, PAUSE, observed=2.0))
    kind = f"{side} stopped for {PAUSE:g} s"
    verdict.within(SUSPECT + ALLOWANCE, What.SUSPECT, kind, other(side), faults)
    verdict.within(DEAD, What.HEALTHY, kind, other(side), faults)
    verdict.unsent(other(side), faults)
    verdict.answered(other(side), faults)
    verdict.once(other(side), faults)


def cut(cable: Cable) -> Fault:
    """Unplug a rack."""
    return Fault(cable.host.name, cable.cut, cable.restore)


def lose_what_it_says(cable: Cable) -> Fault:
    """Lose what a rack sends."""
    return Fault(cable.host.name, lambda: cable.drop("from_host"), cable.heal)


def lose_what_it_hears(cable: Cable) -> Fault:
    """Lose what is sent to a rack."""
    return Fault(cable.host.name, lambda: cable.drop("to_host"), cable.heal)


NETWORK: dict[str, Callable[[Cable], Fault]] = {
    "rack unplugged": cut,
    "what the rack says is lost": lose_what_it_says,
    "what the rack hears is lost": lose_what_it_hears,
}


def test_a_dead_network_is_known_at_both_ends(linked: Crowd, figures: Figures) -> None:
    """Whether all is lost or one direction only, both ends end the link within 3 s."""
    cables = [linked.network.cable(name) for name in names("rack")]
    kinds = {
        kind: [make(cable) for cable in cables[place :: len(NETWORK)]]
        for place, (kind, make) in enumerate(NETWORK.items())
    }
    every = [fault for faults in kinds.values() for fault in faults]
    verdict = Verdict(figures, linked.suffer(every, LASTING))
    for kind, faults in kinds.items():
        for observer in ("region", "rack"):
            verdict.within(DEAD, What.LOST, kind, observer, faults)


def test_a_dead_network_is_known_to_who_pushes_back(linked: Crowd, figures: Figures) -> None:
    """A region with too much to do reads no more and is not given up; then the network dies."""
    racks = names("rack")[:: len(NETWORK)]
    for rack in racks:
        linked.signal(rack, signal.SIGUSR1)
    began = time.monotonic()
    time.sleep(DEAD + 0.5)
    notes = linked.since(began)
    assert [one for one in notes if one.what in STATES and calm(notes, one.at)] == []
    faults = [cut(linked.network.cable(rack)) for rack in racks]
    for _, end in ends("rack", faults):
        assert max(served(notes, end).values(), default=began) < began + DEAD
    verdict = Verdict(figures, linked.suffer(faults, LASTING))
    for observer in ("region", "rack"):
        verdict.within(DEAD, What.LOST, "rack unplugged, region full", observer, faults)


def test_a_busy_worker_is_not_given_up(crowd: Crowd, figures: Figures) -> None:
    """For 30 s it has a quarter of a processor, and more calls than it can answer with that."""
    processors = sorted(os.sched_getaffinity(0))
    shared, beside = pinned(processors[0]), (*pinned(processors[-1]), *PREFERRED)
    port, worker = str(FIRST_PORT + REGIONS), End(f"region{REGIONS}", "load0")
    crowd.start_end(crowd.regions, "region", REGIONS, port, rank=shared)
    there = [f"{REGIONS}:{port}"] * LOADED
    crowd.start_end(crowd.lab.hosts["rack0"], "load", 0, ADDRESS, *there, rank=beside)

    def loaded() -> bool:
        linked = [n for n in crowd.journal.look() if worker.wrote(n) and n.what is What.LINKED]
        return len(linked) == LOADED

    until(loaded, "the links of the load", timeout=30.0, interval=0.1)
    rivals = [start_rival(crowd.regions, shared) for _ in range(RIVALS)]
    began, spent = time.monotonic(), crowd.processor_time(worker.who)
    time.sleep(BUSY)
    notes = crowd.since(began)
    share = (crowd.processor_time(worker.who) - spent) / BUSY
    figures.count("saturated worker: percent of a processor that it had", round(100 * share))
    calls = sum(n.number for n in notes if worker.other.wrote(n) and n.what is What.ANSWERED)
    figures.count("saturated worker: calls answered in a second", round(calls / BUSY))
    for end in (worker, worker.other):
        count = Counter(note.what for note in notes if end.wrote(note))
        figures.count(f"saturated worker: {end.who} suspected {end.peer}", count[What.SUSPECT])
        assert count[What.LOST] == count[What.FAILED] == 0
    assert share < 0.5
    assert calls > 0
    for process in (*rivals, crowd.processes[worker.peer], crowd.processes[worker.who]):
        process.end(signal.SIGKILL)


def start_rival(host: Host, rank: tuple[str, ...]) -> HostProcess:
    """Start what takes all of a processor that it can get."""
    program = (*rank, sys.executable, "-c", "while True: pass")
    return host.popen(program, log=host.directory / "rivals.log")


def test_a_killed_process_is_known_at_once(linked: Crowd, figures: Figures) -> None:
    """The kernel ends its connections, and each is missed within 0.1 s. None of them comes back."""
    dead = names("rack")[: RACKS // 2]
    racks = [linked.kill(name) for name in dead]
    verdict = Verdict(figures, linked.suffer(racks, 0.0, observed=0.5))
    verdict.within(KILLED, What.LOST, "rack SIGKILLed", "region", racks)
    regions = [linked.kill(name) for name in names("region")]
    verdict = Verdict(figures, linked.suffer(regions, 0.0, observed=0.5), dead)
    verdict.within(KILLED, What.LOST, "region SIGKILLed", "rack", regions)
