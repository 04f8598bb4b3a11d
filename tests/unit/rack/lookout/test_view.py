"""`maasha-rack lookout` prints which other racks are seen, and what does not work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.model.codec import from_loose
from maasha.model.network import VlanId
from maasha.rack.control_lines import Done, Request
from maasha.rack.inspection import Inspection
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.lookout.report import LookoutReport
from maasha.rack.lookout.view import row
from maasha.rack.roster import Roster
from maasha.rack.wiretap import Wiretap
from tests.unit.rack.lookout.segment import KEY, VLAN, Host, Segment
from tests.unit.rack.test_views import Rackd
from tests.unit.rack.test_wiretap import NOW
from tests.unit.rpc.parts import value_of

ALONE = LookoutReport(5, "eth1", "10.0.0.1", True, "")
THERE = evolve(ALONE, peer=2, peer_address="10.0.0.2", peer_name="rack2")
SEEN = evolve(THERE, probed=1.4, reached=0.2, clock_offset=-0.0021)


@pytest.fixture
def rackd(tmp_path: Path) -> Iterator[Rackd]:
    """Give one."""
    made = Rackd(tmp_path)
    yield made
    made.close()


def test_other_racks_are_listed(rackd: Rackd, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, and below them what does not work, once."""
    problem = "no listener on 10.0.0.1:647: in use"
    told = [evolve(SEEN, problem=problem), evolve(ALONE, listens=False, problem=problem)]
    rackd.answer(told, Done())
    assert rackd.run("lookout") == 0
    out, err = capsys.readouterr()
    heads, first, second = (" ".join(line.split()) for line in out.splitlines())
    assert heads.startswith("VLAN INTERFACE ADDRESS")
    assert first == "5 eth1 10.0.0.1 yes rack2 10.0.0.2 1 s ago 0 s ago -0.002 s"
    assert second == "5 eth1 10.0.0.1 no - - - - -"
    assert err == f"{problem}\n"
    assert rackd.requests == [Request("lookout")]


def test_the_list_can_be_json(rackd: Rackd, capsys: pytest.CaptureFixture[str]) -> None:
    """For other programs."""
    rackd.answer([SEEN], Done())
    assert rackd.run("lookout", "--json") == 0
    assert from_loose(LookoutReport, json.loads(capsys.readouterr().out)) == SEEN


def test_a_rack_that_watches_nothing_says_so(
    rackd: Rackd, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list is empty, and there is a word beside it."""
    rackd.answer([], Done())
    assert rackd.run("lookout") == 0
    assert "no region has this rack watch a VLAN now" in capsys.readouterr().err


def test_a_clock_that_is_ahead_has_a_sign() -> None:
    """As one that is behind."""
    assert row(evolve(SEEN, clock_offset=7.0))[-1] == "+7.000 s"


def test_a_rack_whose_name_is_not_known_has_the_region_s_number() -> None:
    """As long as the region is older than this rack; a VLAN without others has neither."""
    named, numbered, alone = (row(each)[4] for each in (SEEN, evolve(SEEN, peer_name=""), ALONE))
    assert (named, numbered, alone) == ("rack2", "2", "")


class Screen:
    """Whoever asked."""

    def __init__(self) -> None:
        self.shown: list[object] = []

    def tell(self, value: object) -> None:
        """Keep it."""
        self.shown.append(value)


def test_rackd_tells_what_it_sees() -> None:
    """Of each other rack, and of a VLAN without any; never the key."""
    segment = Segment()
    here, other = Host(segment, 1), Host(segment, 2)
    lookout = Lookout(here.scene, frozenset, lambda: None)
    lookout.startService()
    watches = (here.watch(other), here.watch(vlan=VlanId(6)))
    value_of(Deferred.fromCoroutine(lookout.watch(watches)))
    roster = Roster(lambda: NOW)
    inspection = Inspection(roster, Wiretap(roster, segment.clock, lambda: NOW), lookout)
    screen = Screen()
    value_of(Deferred.fromCoroutine(inspection.questions["lookout"]({}, screen)))  # type: ignore[arg-type]
    first, second = (from_loose(LookoutReport, item) for item in screen.shown)
    assert (first.vlan, first.peer, first.probed, first.listens) == (VLAN, 2, None, True)
    assert (first.peer_name, second.peer_name) == ("host2", "")
    assert (second.vlan, second.peer, second.listens) == (6, None, False)
    assert "no listener on 10.0.0.1:647" in second.problem
    assert KEY not in str(screen.shown)
