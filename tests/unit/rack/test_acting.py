"""What rackd takes for an order, whom it takes it from, and what it does when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred

from maasha.dhcp.acts import ActSpool
from maasha.model.orders import Act, OrderKind
from maasha.rack.acting import Acting, Region, Wish, person, read_wish
from maasha.rack.control_lines import Refused
from maasha.rpc.errors import Unavailable
from tests.unit.dhcp.networks import PLAIN
from tests.unit.dhcp.test_server import PAIRED, Room, now, room_in

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@define(eq=False)
class Asker:
    """Somebody at the control socket."""

    uid: int = 0
    told: list[Any] = field(factory=list)

    def tell(self, value: object) -> None:
        """Note it."""
        self.told.append(value)


@define(eq=False)
class Owner:
    """A region that takes acts, or has no database."""

    acts: list[Act] = field(factory=list)
    error: Exception | None = None

    async def report_acts(self, acts: tuple[Act, ...]) -> None:
        """Take them."""
        if self.error:
            raise self.error
        self.acts += acts


@define(eq=False)
class Site:
    """Acting on a server that is the primary of a pair."""

    room: Room
    acting: Acting
    owner: Owner | None = None
    clock: datetime = NOON

    def order(self, act: str, **details: object) -> str:
        """Order something and give the answer."""
        asker = Asker()
        now(self.acting.order({"act": act, "vlan": None, "seconds": None, **details}, asker))
        return str(asker.told[0])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give one without a region."""
    room = room_in(tmp_path, [])
    now(room.server.resume())
    room.apply(PAIRED)
    made: list[Site] = []
    ids = iter(range(1, 99))
    acting = Acting(
        room.clock,
        lambda: made[0].clock,
        lambda: UUID(int=next(ids)),
        ActSpool(room.folder.acts),
        room.server,
        lambda: Region(made[0].owner, "", ()),  # type: ignore[arg-type]
    )
    made.append(Site(room, acting))
    acting.startService()
    yield made[0]
    acting.stopService()
    now(room.server.release())


def test_an_order_is_done_told_and_written_down(site: Site) -> None:
    """A region hears of it when there is one, once."""
    assert "served here alone" in site.order("solo", vlan=PLAIN.vlan, login="ann", terminal="pts/1")
    site.owner = Owner(error=Unavailable("no database", 1.0))
    site.room.clock.advance(5)
    site.owner.error = None
    site.room.clock.advance(5)
    site.room.clock.advance(5)
    (act,) = site.owner.acts
    assert act.who == "root (uid 0, login ann, pts/1)"
    assert act.what == "dhcp solo VLAN 5001 (the peer's host is vouched to be off)"
    assert act.result.startswith("done: VLAN 5001: served here alone")
    asker = Asker()
    now(site.acting.status({}, asker))
    assert (asker.told[0]["untold"], asker.told[0]["links"]) == (0, [])


def test_an_order_ends_when_its_time_is_over(site: Site) -> None:
    """As by the clock's hand, which the history names."""
    site.order("stop", seconds=60)
    site.room.clock.advance(1)
    assert not site.room.server.report.serving
    site.clock += timedelta(seconds=61)
    site.owner = Owner()
    site.room.clock.advance(1)
    assert site.room.server.report.serving
    assert [act.who for act in site.owner.acts] == ["root (uid 0)", "the clock"]
    assert site.owner.acts[0].what == "dhcp stop for 60 s"


def test_what_cannot_be_done_is_no_act(site: Site) -> None:
    """Whoever ordered hears why."""
    with pytest.raises(Refused, match="no order for anything is in force"):
        site.order("resume")
    assert not site.room.folder.acts.exists()


def test_what_dhcpd_refuses_is_an_act_that_was_refused(site: Site) -> None:
    """The server runs as before."""
    site.room.stand.failures = 1
    with pytest.raises(Refused, match="does not start"):
        site.order("solo", vlan=PLAIN.vlan)
    site.owner = Owner()
    site.room.clock.advance(5)
    assert site.owner.acts[0].result.startswith("refused: dhcpd does not start")


def test_what_cannot_be_written_down_is_not_done(site: Site) -> None:
    """An act without a trace is none."""
    site.room.folder.acts.mkdir()
    with pytest.raises(Refused, match="nothing is done, for it could not be written down"):
        site.order("stop")
    assert site.room.server.report.serving
    site.room.folder.acts.rmdir()


def test_an_order_goes_on_when_whoever_gave_it_hangs_up(site: Site) -> None:
    """A server that was stopped for it is started again."""
    gate = site.room.stand.gate = Deferred()
    details = {"act": "solo", "vlan": PLAIN.vlan}
    waiting = Deferred.fromCoroutine(site.acting.order(details, Asker()))
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    assert not site.room.server.report.serving
    gate.callback(None)
    assert site.room.server.report.serving


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"act": "serve"},
        {"act": "solo"},
        {"act": "stop", "vlan": "7"},
        {"act": "stop", "vlan": True},
        {"act": "stop", "seconds": -1},
        {"act": "stop", "seconds": "7"},
        {"act": "stop", "login": 7},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(details: dict[str, Any]) -> None:
    """Only another version's command line sends one."""
    with pytest.raises(Refused, match="use the maasha-rack beside it"):
        read_wish(details)


def test_who_orders_is_known_by_the_kernels_word() -> None:
    """The rest is what the command line says."""
    assert person(0, Wish(OrderKind.STOP, login="root")) == "root (uid 0)"
    assert person(4_000_000_000, Wish(None)) == "unknown (uid 4000000000)"
    assert str(Wish(None)) == "dhcp resume"
