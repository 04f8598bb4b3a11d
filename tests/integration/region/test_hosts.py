"""Stewards have racks know their fixed hosts: at once, without a restart, and for sure."""

from __future__ import annotations

import pytest

from maasha.db.events import open_alarms
from maasha.db.services import REFUSED
from maasha.db.transaction import Transaction
from maasha.dhcp.hosts import fingerprint
from maasha.model.dhcp import PeerState
from maasha.model.event import Event
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import after, at_rest
from tests.integration.region.test_steward import Site, site
from tests.integration.region.wishes import lease_for, progress, serve, want

__all__ = ["site"]
RESERVE = "insert into reservation (subnet_id, ip, mac) select id, %s, %s from subnet"
HOST = "52:54:00:00:00:01 10.0.0.5 -\n"
OTHER = "52:54:00:00:00:02 10.0.0.6 -\n"


async def reserve(place: Site, *hosts: str) -> None:
    """Want these hosts too."""

    async def change(tx: Transaction) -> None:
        for host in hosts:
            mac, address, _ = host.split()
            await tx.execute(RESERVE, address, mac)

    await want(place.pool, change)


async def paired(place: Site) -> None:
    """Have both racks serve the VLAN."""
    await serve(place.pool, "rack1", "rack2")
    await place.carry_out()


def known(place: Site) -> list[str]:
    """Give the hosts that each rack's plan has."""
    return [rack.server.plan.hosts for rack in place.racks]


@asynchronous
async def test_hosts_come_with_the_first_plan(site: Site) -> None:
    """Whatever starts dhcpd brings them along."""
    await reserve(site, HOST)
    await serve(site.pool, "rack1")
    assert await site.carry_out() == ["rack1 solo"]
    assert known(site) == [HOST, ""]
    assert await site.complete()


@asynchronous
async def test_other_hosts_restart_nobody(site: Site) -> None:
    """Both racks are told, in no order, and the generation is carried out."""
    await paired(site)
    await reserve(site, HOST)
    assert sorted(await site.carry_out()) == ["rack1 hosts", "rack2 hosts"]
    assert known(site) == [HOST, HOST]
    assert await site.complete()
    rows = await site.pool.run(lambda tx: tx.rows("select hosts from rack"))
    assert {row.hosts for row in rows} == {fingerprint(HOST)}
    await site.pool.run(lambda tx: tx.execute("delete from reservation"))
    await want(site.pool)
    assert sorted(await site.carry_out()) == ["rack1 hosts", "rack2 hosts"]
    assert known(site) == ["", ""]


@asynchronous
async def test_the_same_hosts_are_told_once(site: Site) -> None:
    """A new number alone sends nothing."""
    await reserve(site, HOST)
    await paired(site)
    await want(site.pool)
    assert await site.carry_out() == []
    assert await site.complete()


@asynchronous
async def test_another_text_brings_new_hosts_along(site: Site) -> None:
    """Whoever is told of them while a restart waits for its turn needs no second word."""
    await paired(site)
    await lease_for(site.pool, 1200)
    await reserve(site, HOST)
    moves = await site.carry_out()
    assert [move for move in moves if "hosts" not in move] == ["rack2 secondary", "rack1 primary"]
    assert known(site) == [HOST, HOST]
    assert await site.complete()


@asynchronous
async def test_a_deaf_dhcpd_is_restarted_in_its_turn(site: Site) -> None:
    """Its peer covers for it, and that makes sure."""
    await paired(site)
    site.racks[0].server.deaf = True
    await reserve(site, HOST)
    moves = await site.carry_out()
    assert sorted(moves) == ["rack1 is deaf", "rack1 primary", "rack2 hosts"]
    assert moves[-1] == "rack1 primary"
    assert known(site) == [HOST, HOST]
    assert await site.complete()
    assert await refusals(site) == []


@asynchronous
async def test_two_deaf_dhcpds_are_restarted_one_after_the_other(site: Site) -> None:
    """The secondary goes first, as ever."""
    await paired(site)
    for rack in site.racks:
        rack.server.deaf = True
    await reserve(site, HOST)
    moves = await site.carry_out()
    assert [move for move in moves if "deaf" not in move] == ["rack2 secondary", "rack1 primary"]
    assert await site.complete()


@pytest.mark.parametrize("state", [PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.UNKNOWN])
@asynchronous
async def test_a_deaf_survivor_is_not_restarted(
    site: Site, state: PeerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would answer nobody for 15 s: it is told again after its rest, and an alarm says why."""
    await paired(site)
    survivor = site.racks[0].server
    monkeypatch.setattr(type(survivor), "_states", lambda *_: (state, PeerState.UNKNOWN))
    await site.carry_out()
    survivor.deaf = True
    await reserve(site, HOST)
    moves = await site.carry_out()
    assert "rack1 primary" not in moves
    assert known(site) == ["", HOST]
    assert await refusals(site) == []
    assert "rack1 is deaf" in await rested(site)
    (alarm,) = await refusals(site)
    assert "does not take these hosts while it runs" in alarm.detail
    assert "rack2 does not cover for rack1" in alarm.detail
    assert (await progress(site.pool, "rack1")).refused
    survivor.deaf = False
    assert "rack1 hosts" in await rested(site)
    assert known(site) == [HOST, HOST]
    assert await site.complete()
    assert await refusals(site) == []


async def refusals(place: Site) -> list[Event]:
    """Give the open alarms about what a rack does not take."""
    return [one for one in await place.pool.run(open_alarms) if one.kind == REFUSED]


async def rested(place: Site) -> list[str]:
    """Let what was refused rest, and carry out what is left."""
    begun = len(place.town.moves)
    await after(place.pool, place.clock, 60.0)
    await at_rest(place.pool, place.clock)
    await place.carry_out()
    return place.town.moves[begun:]


@asynchronous
async def test_what_a_rack_refuses_is_on_record(site: Site) -> None:
    """Its words reach the operator."""
    await paired(site)
    site.racks[0].server.refusal = "no space left on device"
    await reserve(site, HOST)
    await site.carry_out()
    refused = await progress(site.pool, "rack1")
    assert refused.refused
    assert "no space left on device" in refused.refusal


@asynchronous
async def test_hosts_that_changed_meanwhile_are_told_too(site: Site) -> None:
    """What is wanted while a rack is told is no part of what it was told."""
    await paired(site)
    one = site.racks[0].server

    async def more() -> None:
        one.meanwhile = nothing
        await reserve(site, OTHER)

    one.meanwhile = more
    await reserve(site, HOST)
    await site.carry_out()
    assert known(site) == [HOST + OTHER, HOST + OTHER]
    assert await site.complete()


async def nothing() -> None:
    """Let nothing happen."""
