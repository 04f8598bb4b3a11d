"""Racks on one segment find each other: by frames, by TCP 647, and by their clocks."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.model.network import VlanId
from maasha.model.sighting import Sighting, Watch
from maasha.rack.lookout.evidence import FRESH, Outline
from maasha.rack.lookout.lookout import VALID, Lookout
from maasha.rack.lookout.post import EAGER, STEADY
from tests.unit.rack.lookout.segment import DELAY, KEY, VLAN, Host, Segment
from tests.unit.rpc.parts import Listener, value_of

ALL_KNOWN = Outline(probed=True, reached=True, clocks_near=True)


class Rack:
    """A host that looks out."""

    def __init__(self, segment: Segment, number: int) -> None:
        self.host = Host(segment, number)
        self.taken: Collection[VlanId] = ()
        self.news = 0
        self.lookout = Lookout(self.host.scene, lambda: self.taken, self._hear)
        self.lookout.startService()

    def watch(self, *watches: Watch) -> None:
        """Order it, and let the ports close that are given up."""
        ordered = Deferred.fromCoroutine(self.lookout.watch(watches))
        self.host.segment.go()
        value_of(ordered)

    @property
    def sighting(self) -> Sighting:
        """The one that there is."""
        (found,) = self.lookout.sightings
        return found

    @property
    def outline(self) -> Outline:
        """The same without numbers."""
        (found,) = self.lookout.outlines.values()
        return found

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not work."""
        return tuple(problem for post in self.lookout.posts for problem in post.problems)

    @property
    def listens(self) -> bool:
        """Whether its port is open."""
        return (self.host.address, 647) in self.host.segment.listeners

    def _hear(self) -> None:
        self.news += 1


@pytest.fixture
def segment() -> Segment:
    """Give a wire."""
    return Segment()


@pytest.fixture
def here(segment: Segment) -> Rack:
    """Give a rack on it."""
    return Rack(segment, 1)


@pytest.fixture
def there(segment: Segment) -> Rack:
    """Give another one."""
    return Rack(segment, 2)


def meet(here: Rack, there: Rack, seconds: float = 3 * EAGER) -> None:
    """Have two racks look out for each other for some time."""
    here.watch(here.host.watch(there.host))
    there.watch(there.host.watch(here.host))
    here.host.segment.go(seconds)


def test_two_racks_find_each_other(here: Rack, there: Rack) -> None:
    """Within two rounds all is known on both sides."""
    meet(here, there)
    for rack in (here, there):
        assert rack.outline == ALL_KNOWN
        assert rack.sighting.clock_offset == pytest.approx(0.0, abs=1e-6)
        assert rack.problems == ()


def test_the_key_is_never_shown(here: Rack, there: Rack, log: Listener) -> None:
    """What is logged names racks, VLANs and addresses."""
    meet(here, there)
    here.host.segment.down = True
    here.host.segment.go(30)
    assert any("rack 2 at 10.0.0.2 on VLAN 5: probed: True" in line for line in log.lines)
    assert KEY not in "".join([*log.lines, repr(log.events), repr(here.host.watch(there.host))])


def test_a_rack_that_does_not_look_out_is_not_seen(here: Rack, there: Rack) -> None:
    """Nothing answers for it."""
    here.watch(here.host.watch(there.host))
    here.host.segment.go(10)
    assert here.sighting == Sighting(VLAN, there.host.peer.rack)
    assert here.news == 0


@pytest.mark.parametrize("ahead", [7.0, -7.0, 0.5])
def test_clocks_are_compared(here: Rack, there: Rack, ahead: float) -> None:
    """Each knows by how much the other's is ahead."""
    there.host.ahead = ahead
    meet(here, there)
    assert here.sighting.clock_offset == pytest.approx(ahead, abs=DELAY)
    assert there.sighting.clock_offset == pytest.approx(-ahead, abs=DELAY)
    assert here.outline.clocks_near is (abs(ahead) < 5)


def test_a_filter_on_the_port_is_found(here: Rack, there: Rack) -> None:
    """One way: who is cut off is not reached, and reaches all the same."""
    here.host.segment.filtered.add(there.host.address)
    meet(here, there, 20)
    assert here.outline == evolve(ALL_KNOWN, reached=False)
    assert here.sighting.reached is None
    assert there.outline == ALL_KNOWN


def test_a_deaf_station_is_found(here: Rack, there: Rack) -> None:
    """No exchange succeeds when one way is lost, from either end."""
    here.host.segment.deaf.add(there.host.mac)
    meet(here, there)
    assert (here.sighting.probed, there.sighting.probed) == (None, None)


def test_rounds_are_seldom_when_all_is_known(here: Rack, there: Rack) -> None:
    """And frequent again when something is not."""
    meet(here, there)
    calls = here.host.segment.calls
    calls.clear()
    here.host.segment.go(6 * STEADY)
    assert 10 <= len(calls) <= 14
    there.watch()
    here.host.segment.go(FRESH + STEADY)
    assert not here.outline.complete
    here.watch(here.host.watch(there.host))
    calls.clear()
    here.host.segment.go(6 * EAGER)
    assert 5 <= len(calls) <= 7


def test_evidence_grows_old(here: Rack, there: Rack) -> None:
    """It is news when it no longer counts, and its age is told for ever."""
    meet(here, there)
    news = here.news
    there.watch()
    here.host.segment.go(40)
    assert here.news > news
    assert here.outline.probed is False
    assert here.sighting.probed is not None
    assert here.sighting.probed > 30


def test_what_is_known_stays_where_the_order_is_the_same(here: Rack, there: Rack) -> None:
    """Also when a rack is added: the others are known already."""
    meet(here, there)
    here.watch(here.host.watch(there.host, Host(here.host.segment, 3)))
    assert list(here.lookout.outlines.values()) == [ALL_KNOWN, Outline()]
    here.watch(here.host.watch(there.host))
    assert here.outline == ALL_KNOWN


def test_another_key_is_another_watch(here: Rack, there: Rack) -> None:
    """All begins anew, without a moment in which the port could not be had."""
    meet(here, there)
    here.watch(here.host.watch(there.host, key="5f" * 32))
    assert here.outline == Outline()
    here.host.segment.go(10)
    assert here.outline == Outline()
    assert here.problems == ()
    there.watch(there.host.watch(here.host, key="5f" * 32))
    here.host.segment.go(10)
    assert here.outline == ALL_KNOWN


def test_the_port_is_free_when_a_vlan_is_given_up(here: Rack, there: Rack) -> None:
    """Before whoever asked goes on."""
    meet(here, there)
    given_up = Deferred.fromCoroutine(here.lookout.give_up([VLAN, VlanId(99)]))
    assert not given_up.called
    here.host.segment.go()
    value_of(given_up)
    assert (here.listens, here.lookout.posts) == (False, ())
    assert here.lookout.sightings == ()


def test_who_comes_second_waits_as_well(here: Rack, there: Rack) -> None:
    """An order to watch nothing is under way: the port is not free before that has ended."""
    meet(here, there)
    first = Deferred.fromCoroutine(here.lookout.watch(()))
    second = Deferred.fromCoroutine(here.lookout.give_up([VLAN]))
    assert not second.called
    here.host.segment.go()
    value_of(first)
    value_of(second)
    assert not here.listens


def test_a_round_under_way_ends_with_its_watch(here: Rack, there: Rack, log: Listener) -> None:
    """Also when it waits for a call that nobody answers."""
    here.host.segment.filtered.add(there.host.address)
    meet(here, there, 0.25)
    here.watch()
    assert (here.listens, log.failures) == (False, [])
    here.host.segment.go(20)
    assert log.failures == []


def test_dhcpd_has_the_port_while_it_wants_it(here: Rack, there: Rack) -> None:
    """Frames are sent all the same, and the port is opened when it is free again."""
    meet(here, there)
    here.taken = [VLAN]
    here.host.segment.go(FRESH + STEADY)
    assert not here.listens
    assert there.outline == evolve(ALL_KNOWN, reached=False)
    here.taken = ()
    here.host.segment.go(2 * STEADY)
    assert there.outline == ALL_KNOWN


def test_a_port_that_cannot_be_had_is_one_line(here: Rack, there: Rack, log: Listener) -> None:
    """It is tried again with each round, and the trouble is over when it succeeds."""
    here.host.segment.listeners[here.host.address, 647] = there  # type: ignore[assignment]
    here.watch(here.host.watch())
    here.host.segment.go(30)
    said = [line for line in log.lines if "no listener on 10.0.0.1:647" in line]
    assert len(said) == 1
    assert len(here.problems) == 1
    del here.host.segment.listeners[here.host.address, 647]
    here.host.segment.go(2 * STEADY)
    assert here.listens
    assert not here.problems


def test_an_interface_that_is_down_is_one_line(here: Rack, there: Rack, log: Listener) -> None:
    """And what was known before comes back with it."""
    meet(here, there)
    here.host.segment.down = True
    here.host.segment.go(30)
    assert sum("no frames on eth1" in line for line in log.lines) == 2  # of each rack
    assert here.problems == ("no frames on eth1: [Errno 100] Network is down",)
    here.host.segment.down = False
    here.host.segment.go(10)
    assert here.outline == ALL_KNOWN
    assert not here.problems


def test_an_interface_that_goes_down_between_rounds_is_noticed(here: Rack, there: Rack) -> None:
    """The next round opens it anew, though the station did not say so before."""
    meet(here, there)
    (station,) = [one for one in here.host.segment.stations if one.mac == here.host.mac]
    station.lost(OSError(100, "Network is down"))
    assert here.problems
    here.host.segment.go(10)
    assert here.outline == ALL_KNOWN
    assert not here.problems


def test_an_answer_that_cannot_be_sent_harms_nobody(here: Rack, there: Rack) -> None:
    """The interface went down after the probe had come."""
    meet(here, there)
    probe = next(f for f in here.host.segment.frames if f.source == there.host.mac)
    (station,) = [one for one in here.host.segment.stations if one.mac == here.host.mac]
    here.host.segment.down = True
    station.heard(probe)
    assert here.problems
    station.heard(probe)


def test_an_answer_counts_once(here: Rack, there: Rack) -> None:
    """Who repeats what was on the wire proves nothing, now or later."""
    meet(here, there)
    there.watch()
    here.host.segment.go(0.25)
    answers = [f for f in here.host.segment.frames if f.target == here.host.mac]
    known = here.lookout.posts[0]._known  # the exchanges themselves are nobody's business
    before = dict(known)
    (station,) = here.host.segment.stations
    for answer in answers:
        station.heard(answer)
    assert known == before
    here.host.segment.go(30)
    for answer in answers:
        station.heard(answer)
    assert known == before


def test_who_is_no_peer_is_not_heard(here: Rack, there: Rack) -> None:
    """Nor answered, though it has the key; neither are garbage and another VLAN's frames."""
    here.watch(here.host.watch(Host(here.host.segment, 3)))
    there.watch(there.host.watch(here.host))
    here.host.segment.go(10)
    assert there.outline == Outline()
    here.watch(here.host.watch(there.host, vlan=VlanId(6)))
    here.host.segment.go(10)
    assert there.outline == Outline()
    there.watch(there.host.watch(here.host, key="00"))
    here.host.segment.go(10)
    assert there.outline == Outline()


def test_an_answer_to_another_rack_is_not_ours(segment: Segment, here: Rack, there: Rack) -> None:
    """A switch that floods shows it to all."""
    meet(here, there)
    third = Rack(segment, 3)
    third.watch(third.host.watch(here.host, there.host))
    answers = [f for f in segment.frames if f.target == here.host.mac]
    (station,) = [one for one in segment.stations if one.mac == third.host.mac]
    for answer in answers:
        station.heard(answer)
    assert list(third.lookout.outlines.values()) == [Outline(), Outline()]


def test_an_order_that_is_not_renewed_is_forgotten(here: Rack, there: Rack, log: Listener) -> None:
    """A region that still wants it says so in time, and what is known stays."""
    meet(here, there)
    here.host.segment.go(VALID - 10)
    here.watch(here.host.watch(there.host))
    here.host.segment.go(VALID - 10)
    assert here.listens
    assert there.lookout.posts == ()
    here.host.segment.go(11)
    assert (here.listens, here.lookout.posts) == (False, ())
    assert log.lines.count("no region has VLANs watched any more") == 2


def test_who_is_new_is_looked_for_at_once(segment: Segment, here: Rack, there: Rack) -> None:
    """Though all others are known, and the next round is seconds away."""
    meet(here, there, STEADY)
    third = Rack(segment, 3)
    third.watch(third.host.watch(here.host))
    here.watch(here.host.watch(there.host, third.host))
    segment.go(1.5)
    assert list(here.lookout.outlines.values()) == [ALL_KNOWN, ALL_KNOWN]


def test_a_lookout_that_stops_leaves_nothing_open(here: Rack, there: Rack) -> None:
    """No port and no station."""
    meet(here, there)
    stopped = here.lookout.stopService()
    here.host.segment.go(10)
    value_of(stopped)
    assert not here.listens
    assert [station.mac for station in here.host.segment.stations] == [there.host.mac]


def test_a_call_that_fails_otherwise_is_in_the_log(
    here: Rack, there: Rack, log: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next round comes as if it had not."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no descriptors left")

    monkeypatch.setattr(Host, "connectTCP", fail)
    here.watch(here.host.watch(there.host))
    assert [str(error) for error in log.failures] == ["no descriptors left"]
    monkeypatch.undo()
    there.watch(there.host.watch(here.host))
    here.host.segment.go(10)
    assert here.outline == ALL_KNOWN
