"""One link to one worker: by the first address that answers, to the instance it belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from twisted.internet.defer import Deferred

from maasha.model.cluster import Endpoint, EventLoop, Introduction, SystemId
from maasha.model.network import Interface
from maasha.rack.dialling import CONNECT_TIMEOUT, Dialler, Dialling
from maasha.rack.memory import Identity, Memory, RegisteredAnew
from maasha.rpc.credentials import OWN_KEY, SHARED, Kind
from maasha.rpc.errors import (
    ChannelMismatch,
    Deleted,
    Unavailable,
    Unreachable,
    WrongInstance,
    WrongSecret,
)
from maasha.rpc.rack_side import Session
from tests.unit.rack.net import ELSEWHERE, Net, worker
from tests.unit.rpc.parts import INSTANCE, SECRET, WELCOME, Door, Hands, error_of, value_of

HERE, THERE = Endpoint("10.0.0.9", 5250), Endpoint("fd00::9", 5250)
BOTH = worker("region:pid=1", "10.0.0.9:5250", "fd00::9:5250")
ETH0 = Interface("eth0", "52:54:00:00:00:01")


class Rack:
    """A rack that dials on a net in memory."""

    def __init__(self, folder: Path, *, tls: bool = True) -> None:
        self.net = Net()
        self.memory = Memory(folder, folder / "secret")
        self.memory.register(SECRET, "first")
        self.deleted = 0
        self.parted = 0
        self.door: Door | None = None
        """Opens for nobody any more as soon as the rack has heard that it was deleted."""
        self._dialling = Dialling(
            cast(Dialler, self.net),
            self.memory,
            "0.1.0",
            Hands(),
            self._interfaces,
            self._introduce,
            self._delete,
            self._part,
            tls=tls,
        )

    def dial(self, loop: EventLoop = BOTH) -> Deferred[Session]:
        """Dial until nothing moves any more."""
        dialled = Deferred.fromCoroutine(self._dialling.dial(loop))
        self.net.go()
        return dialled

    async def _interfaces(self) -> tuple[Interface, ...]:
        return (ETH0,)

    def _introduce(self, interfaces: tuple[Interface, ...]) -> Introduction:
        return Introduction("rack1", "0.1.0", self.memory.system_id, interfaces=interfaces)

    async def _delete(self) -> None:
        self.deleted += 1
        if self.door is not None:
            self.door.failure = Unavailable("no database", 2.0)

    def _part(self) -> None:
        self.parted += 1


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack that was registered and has never been linked."""
    return Rack(tmp_path)


def test_the_first_address_that_answers_is_taken(rack: Rack) -> None:
    """The others are not tried."""
    rack.net.put_up(HERE)
    rack.net.put_up(THERE)
    value_of(rack.dial())
    assert rack.net.tried == ["10.0.0.9:5250"]


def test_addresses_are_tried_in_turn(rack: Rack) -> None:
    """A worker may publish addresses that this rack cannot reach; IPv6 ones are as good."""
    rack.net.put_up(THERE)
    session = value_of(rack.dial())
    assert rack.net.tried == ["10.0.0.9:5250", "fd00::9:5250"]
    assert session.welcome.instance == INSTANCE


def test_an_address_that_is_silent_costs_three_seconds(rack: Rack) -> None:
    """The network's own time for a connection would be minutes."""
    rack.dial()
    assert {timeout for *_, timeout, _ in rack.net.tcpClients} == {CONNECT_TIMEOUT}


def test_a_worker_without_an_address_in_reach_is_named_with_all_of_them(rack: Rack) -> None:
    """The error says what was tried."""
    error = error_of(rack.dial())
    assert isinstance(error, Unreachable)
    assert "10.0.0.9:5250 Connection was refused" in str(error)
    assert "[fd00::9]:5250 Connection was refused" in str(error)


def test_the_region_hears_who_the_rack_is(rack: Rack) -> None:
    """Its interfaces are looked at for each registration."""
    door = rack.net.put_up(HERE)
    value_of(rack.dial())
    ((introduction, _),) = door.seen
    assert (introduction.hostname, introduction.interfaces) == ("rack1", (ETH0,))


def test_the_identity_is_pinned_at_the_first_success(rack: Rack) -> None:
    """Name and instance are on disk when the link is there."""
    rack.net.put_up(HERE)
    welcome = value_of(rack.dial()).welcome
    assert rack.memory.system_id == welcome.system_id
    assert rack.memory.instance == INSTANCE


def test_the_rack_keeps_its_key_and_proves_it_from_then_on(rack: Rack) -> None:
    """What let it in is forgotten with the first success."""
    door = rack.net.put_up(HERE)
    value_of(rack.dial())
    value_of(rack.dial())
    assert [each.kind for each in door.credentials] == [Kind.SECRET, Kind.KEY]
    assert not (rack.memory.folder / "secret").exists()


def test_an_upgraded_rack_gets_its_key_at_its_next_registration(rack: Rack) -> None:
    """One that has joined with nothing but the secret keeps its name."""
    rack.memory.belong(WELCOME.system_id, INSTANCE)
    rack.net.put_up(HERE)
    value_of(rack.dial())
    assert rack.memory.identity.credential == OWN_KEY


def test_a_rack_that_is_registered_meanwhile_keeps_nothing_of_it(rack: Rack) -> None:
    """The key of what it was does not belong to what it is now."""
    door = rack.net.put_up(HERE, Door(ready=Deferred()))
    dialled = rack.dial()
    anew = Memory(rack.memory.folder, rack.memory.folder / "secret")
    anew.register(b"another", "second")
    door.ready.callback(None)
    rack.net.go()
    assert isinstance(error_of(dialled), RegisteredAnew)
    assert anew.system_id is None
    assert anew.identity == Identity(SHARED, b"another")
    assert rack.net.lines[0].near.aborted


def test_a_rack_that_cannot_keep_its_key_is_not_linked(
    rack: Rack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It still has what let it in, and says why."""
    rack.net.put_up(HERE)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("maasha.rack.memory.write_atomic", full)
    assert isinstance(error_of(rack.dial()), OSError)
    assert rack.memory.identity == Identity(SHARED, SECRET)
    assert rack.net.lines[0].near.aborted


def test_another_instance_is_refused_from_then_on(rack: Rack) -> None:
    """Also one that knows the secret, such as a copy of the installation."""
    rack.memory.belong(SystemId("abc346"), ELSEWHERE)
    door = rack.net.put_up(HERE)
    assert isinstance(error_of(rack.dial()), WrongInstance)
    assert door.seen == []
    assert rack.memory.instance == ELSEWHERE


def test_a_deleted_rack_says_so_to_the_others(rack: Rack) -> None:
    """It stops serving although it could not be told over a link."""
    rack.net.put_up(HERE, Door(failure=Deleted("abc346")))
    assert isinstance(error_of(rack.dial()), Deleted)
    assert (rack.deleted, rack.parted) == (1, 1)
    assert rack.net.tried == ["10.0.0.9:5250"] * 2
    assert rack.memory.instance is None


def test_a_deleted_rack_that_was_not_heard_says_so_again(rack: Rack) -> None:
    """It is not gone before the region knows that it has stopped."""
    rack.door = rack.net.put_up(HERE, Door(failure=Deleted("abc346")))
    assert isinstance(error_of(rack.dial()), Unavailable)
    assert (rack.deleted, rack.parted) == (1, 0)


def test_a_refusal_is_not_tried_on_the_next_address(rack: Rack) -> None:
    """It is the same worker behind it, and would say the same."""
    rack.memory.register(b"another", "second")
    rack.net.put_up(HERE)
    rack.net.put_up(THERE)
    assert isinstance(error_of(rack.dial()), WrongSecret)
    assert len(rack.net.tried) == 1


@pytest.mark.parametrize("tls", [True, False])
def test_the_channel_is_the_one_of_the_configuration(tmp_path: Path, tls: bool) -> None:
    """A region with the other one is named and not joined."""
    rack = Rack(tmp_path, tls=tls)
    rack.net.put_up(HERE, tls=not tls)
    assert isinstance(error_of(rack.dial()), ChannelMismatch)
    rack.net.put_up(HERE, tls=tls)
    assert value_of(rack.dial()).welcome.instance == INSTANCE
