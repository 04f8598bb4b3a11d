"""What a rack cannot do on a VLAN is one line in its log, costs nothing, and is tried again."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred

from maasha.rack.lookout.lookout import Lookout
from tests.unit.rack.lookout.segment import Host, MemoryStation, Segment
from tests.unit.rpc.parts import Listener, value_of


def error(number: int) -> OSError:
    """Give what the system says."""
    return OSError(number, os.strerror(number))


class Rack:
    """A host that looks out for another one, which is not there."""

    def __init__(self) -> None:
        self.segment = Segment()
        self.host = Host(self.segment, 1)
        self.lookout = Lookout(self.host.scene, frozenset, lambda: None)
        self.lookout.startService()

    def watch(self) -> None:
        """Give the order, as a region renews it."""
        order = self.host.watch(Host(self.segment, 2))
        value_of(Deferred.fromCoroutine(self.lookout.watch((order,))))

    def go(self, times: int = 3) -> None:
        """Let a minute pass, in which the order is renewed."""
        for _ in range(times):
            self.watch()
            self.segment.go(20)

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not work."""
        (post,) = self.lookout.posts
        return post.problems

    @property
    def stations(self) -> list[MemoryStation]:
        """What is open."""
        return self.segment.stations


@pytest.fixture
def rack() -> Iterator[Rack]:
    """Give one."""
    made = Rack()
    yield made
    made.lookout.stopService()


def warnings(log: Listener) -> list[str]:
    """Give what the log says about the VLAN."""
    return [line for line in log.lines if line.startswith("VLAN 5: ")]


def test_a_rack_that_may_not_open_stations_says_so_once(rack: Rack, log: Listener) -> None:
    """Without CAP_NET_RAW it still listens and calls; it sends as soon as it may."""
    rack.segment.unopened = error(errno.EPERM)
    rack.go()
    assert warnings(log) == ["VLAN 5: no frames on eth1: [Errno 1] Operation not permitted"]
    assert log.failures == []
    assert rack.stations == []
    assert rack.segment.listeners
    assert rack.segment.calls
    rack.segment.unopened = None
    rack.go()
    assert rack.problems == ()
    assert len(warnings(log)) == len(rack.stations) == 1


def test_an_interface_that_vanishes_is_one_line(rack: Rack, log: Listener) -> None:
    """Its station is closed; each time that it comes back and goes is another state."""
    rack.go()
    for times in (1, 2):
        rack.segment.unopened = error(errno.ENODEV)
        (station,) = rack.stations
        station.lost(error(errno.ENETDOWN))
        rack.go()
        assert rack.stations == []
        assert len(warnings(log)) == times
        rack.segment.unopened = None
        rack.go()
        assert len(rack.stations) == 1
    assert rack.problems == ()
    assert log.failures == []


def test_an_address_that_is_not_there_is_one_line(rack: Rack, log: Listener) -> None:
    """The order may come before the address does."""
    rack.segment.refusal = error(errno.EADDRNOTAVAIL)
    rack.go()
    (line,) = warnings(log)
    assert line.startswith("VLAN 5: no listener on 10.0.0.1:647: ")
    assert log.failures == []
    rack.segment.refusal = None
    rack.go()
    assert rack.problems == ()
    assert rack.segment.listeners


def test_a_port_that_somebody_takes_in_between_is_one_line(
    rack: Rack, log: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both could bind it, and the other one listens: frames are sent all the same."""

    def fail(*_: object, **__: object) -> None:
        raise error(errno.EADDRINUSE)

    monkeypatch.setattr(Host, "listenTCP", fail)
    rack.go()
    (line,) = warnings(log)
    assert line.endswith("no listener on 10.0.0.1:647: [Errno 98] Address already in use")
    assert log.failures == []
    assert rack.segment.frames
