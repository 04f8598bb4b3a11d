"""Hosts on real networks find each other by frames, by TCP 647 and by their clocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab import Host, HostProcess, Lab, Network, until
from lab.testing import require
from maasha.model.cluster import RackKey
from maasha.model.codec import from_json, to_json
from maasha.model.network import VlanId
from maasha.model.sighting import Peer, Sighting, Watch
from tests.integration.rack.watchman import Sightings

pytestmark = pytest.mark.root

VLAN = VlanId(5)
KEY = "5e" * 32
WITHIN = 30.0
"""Seconds in which all is found out, on a slow machine too; it takes two to four."""
DROP = """
table inet filter {
    chain input { type filter hook input priority 0; tcp dport 647 drop; }
}
"""


class Watchman:
    """A host with its lookout."""

    def __init__(self, host: Host, lan: Network, number: int, ahead: float = 0.0) -> None:
        self.host = host
        self.peer = Peer(RackKey(number), IPv4Address(lan.address(host)))
        program = ["python", "-m", "tests.integration.rack.watchman", str(ahead)]
        self.log = host.directory / "lookout.log"
        self._process: HostProcess = host.converse(program, log=self.log)

    def watch(self, *others: Watchman, key: str = KEY, vlan: VlanId = VLAN) -> None:
        """Order it to look out for others."""
        peers = tuple(other.peer for other in others)
        order = Watch(vlan, self.peer.rack, "eth0", self.peer.address, peers, key)
        assert self._ask(f"watch {to_json((order,))}") == "done"

    def give_up(self) -> None:
        """Order it to look out no more."""
        assert self._ask("give up") == "done"

    def see(self) -> Sightings:
        """Ask what it knows."""
        return from_json(Sightings, self._ask("see"))

    def seen(self, other: Watchman) -> Sighting:
        """Ask what it knows of another one."""
        return next(one for one in self.see() if one.peer == other.peer.rack)

    def problems(self) -> list[str]:
        """Ask what does not work."""
        told: list[str] = json.loads(self._ask("problems"))
        return told

    def knows(self, other: Watchman) -> bool:
        """Whether it knows all, lately."""
        seen = self.seen(other)
        ages = (seen.probed, seen.reached)
        return all(age is not None and age < 2 * 5.0 for age in ages)

    def _ask(self, line: str) -> str:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


Place = Callable[..., Watchman]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Give an empty lab."""
    require()
    with Lab("lookout", tmp_path) as made:
        yield made


@pytest.fixture
def lan(lab: Lab) -> Network:
    """Give a network."""
    return lab.network("lan", "10.0.0.0/24")


@pytest.fixture
def place(lab: Lab, lan: Network) -> Place:
    """Give a way to place watchmen on the network."""

    def placed(number: int, ahead: float = 0.0, on: Network | None = None) -> Watchman:
        where = on or lan
        host = lab.host(f"rack{number}", {where: f"10.0.0.{number}"})
        return Watchman(host, where, number, ahead)

    return placed


def meet(one: Watchman, other: Watchman) -> None:
    """Let two look out for each other."""
    one.watch(other)
    other.watch(one)


def both_know(one: Watchman, other: Watchman) -> None:
    """Wait until both know all."""
    until(lambda: one.knows(other) and other.knows(one), "both know all", timeout=WITHIN)


def test_two_racks_find_each_other(place: Place) -> None:
    """Frames go both ways, TCP 647 is open both ways, and the clocks of one machine are equal."""
    one, two = place(1), place(2)
    meet(one, two)
    both_know(one, two)
    for seen in (one.seen(two), two.seen(one)):
        assert seen.clock_offset == pytest.approx(0.0, abs=0.5)
    assert (one.problems(), two.problems()) == ([], [])


def test_a_clock_that_is_wrong_is_found(place: Place) -> None:
    """From both sides, with its sign."""
    one, two = place(1), place(2, ahead=7.0)
    meet(one, two)
    both_know(one, two)
    assert one.seen(two).clock_offset == pytest.approx(7.0, abs=0.5)
    assert two.seen(one).clock_offset == pytest.approx(-7.0, abs=0.5)


def test_a_firewall_on_the_port_is_found(place: Place) -> None:
    """One way only: the other rack is reached, and frames pass all the same."""
    one, two = place(1), place(2)
    two.host.run(["nft", "-f", "-"], text=DROP)
    meet(one, two)
    until(lambda: two.knows(one), "the open way is known", timeout=WITHIN)
    until(lambda: one.seen(two).probed is not None, "frames pass", timeout=WITHIN)
    assert one.seen(two).reached is None
    two.host.run(["nft", "flush", "ruleset"])
    both_know(one, two)


@pytest.mark.parametrize("direction", ["to_host", "from_host"])
def test_a_way_that_is_lost_is_no_way(place: Place, lan: Network, direction: str) -> None:
    """Whichever of both: neither rack takes the other for reachable."""
    one, two = place(1), place(2)
    lan.cable(two.host).drop(direction)  # type: ignore[arg-type]  # one of its two
    meet(one, two)
    third = place(3)
    third.watch(one)
    one.watch(two, third)
    until(lambda: one.knows(third), "others are found meanwhile", timeout=WITHIN)
    for seen in (one.seen(two), two.seen(one)):
        assert (seen.probed, seen.reached) == (None, None)
    lan.cable(two.host).heal()
    both_know(one, two)


def test_another_network_is_another_world(lab: Lab, place: Place) -> None:
    """The same addresses on another Ethernet are not seen, nor is another VLAN's key on ours."""
    one, two = place(1), place(2, on=lab.network("other", "10.0.0.0/24"))
    three, four = place(3), place(4)
    meet(one, two)
    three.watch(four, key="00" * 32)
    four.watch(three)
    one.watch(two, three, four)
    four.watch(three, one)
    until(lambda: one.knows(four), "others are found meanwhile", timeout=WITHIN)
    for watchman, other in ((one, two), (two, one), (three, four), (four, three), (one, three)):
        seen = watchman.seen(other)
        assert (seen.probed, seen.reached, seen.clock_offset) == (None, None, None)


def test_an_interface_that_was_down_is_used_again(place: Place) -> None:
    """It is one line in the log, however many rounds pass meanwhile."""
    one, two = place(1), place(2)
    meet(one, two)
    both_know(one, two)
    one.host.ip("link set eth0 down")
    until(one.problems, "it is noticed", timeout=WITHIN)
    until(lambda: (one.seen(two).probed or 0.0) > 12.0, "rounds pass", timeout=WITHIN)
    assert one.log.read_text().count("no frames on eth0") == 1
    one.host.ip("link set eth0 up")
    both_know(one, two)
    assert one.problems() == []


def test_a_lookout_that_ends_leaves_the_port(place: Place) -> None:
    """Free for whoever binds it next, also when it was called a moment before."""
    one, two = place(1), place(2)
    meet(one, two)
    both_know(one, two)
    one.give_up()
    bind = "import socket; s = socket.socket(); s.bind(('10.0.0.1', 647)); s.listen()"
    one.host.run(["python", "-c", bind])
    assert ":647" not in one.host.run(["ss", "-Htan", "sport = :647"]).stdout
