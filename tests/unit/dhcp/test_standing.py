"""How a VLAN is served, for how long that lasts, and when people are told."""

from __future__ import annotations

from math import inf

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.standing import (
    GRACE,
    MARGIN,
    Alarm,
    Judgement,
    Memory,
    Standing,
    endurance,
    judge,
    servers,
    standing,
    take_overs,
)
from maasha.model.dhcp import Duty, PeerState
from maasha.model.network import VlanId
from maasha.model.orders import OrderKind
from maasha.model.pools import NO_FLOW, Flow
from maasha.model.standing import VlanStanding
from tests.unit.dhcp.standings import (
    ALONE,
    COUNT,
    CUT,
    GONE,
    LEFT,
    NOON,
    ONE,
    PAIR,
    STEADY,
    TAKEN,
    TWO,
    at,
)

APART = evolve(PAIR, members=(evolve(ONE, state=CUT), evolve(TWO, state=CUT)))
SINGLE = evolve(PAIR, members=(evolve(ONE, duty=Duty.SOLO, state=PeerState.UNKNOWN),))

BY_HAND = evolve(
    PAIR,
    members=(
        evolve(ONE, duty=Duty.OFF, ordered=OrderKind.STOP),
        evolve(TWO, duty=Duty.SOLO, state=PeerState.UNKNOWN),
    ),
)


@pytest.mark.parametrize(
    ("vlan", "expected"),
    [
        (PAIR, Standing.PAIR),
        (evolve(PAIR, dhcp_on=False), Standing.OFF),
        (APART, Standing.APART),
        (ALONE, Standing.ALONE),
        (TAKEN, Standing.TAKEN_OVER),
        (SINGLE, Standing.SINGLE),
        (evolve(PAIR, members=(evolve(ONE, ordered=OrderKind.STOP), TWO)), Standing.PAIR),
        (BY_HAND, Standing.BY_HAND),
        (evolve(PAIR, members=(evolve(ONE, duty=Duty.OFF, draining=True), LEFT)), Standing.SINGLE),
        (evolve(PAIR, members=(GONE, evolve(LEFT, linked=False))), Standing.UNKNOWN),
        (evolve(PAIR, members=(evolve(ONE, serving=False), LEFT)), Standing.ALONE),
        (evolve(PAIR, members=()), Standing.UNKNOWN),
    ],
)
def test_how_a_vlan_is_served(vlan: VlanStanding, expected: Standing) -> None:
    """By what its racks say, and who of them is linked."""
    assert standing(vlan) is expected


def test_what_was_ordered_on_the_spot_is_no_lack_of_a_server() -> None:
    """The orders themselves are an alarm; the one that serves has all addresses."""
    for late in (0, 60):
        _, judged = judge(Memory({BY_HAND.vlan: at(0)}), [BY_HAND], at(late))
        assert Judgement(BY_HAND.vlan, Alarm.ALONE, False) in judged
    found = endurance(BY_HAND)
    assert found is not None
    assert found.left == COUNT.free + COUNT.backup + COUNT.returning


def test_a_rack_that_its_peer_hears_serves() -> None:
    """Its link to the regions is another matter."""
    vlan = evolve(PAIR, members=(GONE, TWO))
    assert servers(vlan) == (GONE, TWO)
    assert standing(vlan) is Standing.PAIR


def test_a_server_that_is_alone_has_its_own_share() -> None:
    """The secondary's are the backup ones, at the rate of all who come, less who went."""
    found = endurance(ALONE)
    assert found is not None
    assert (found.rack, found.left) == (LEFT.rack, 20)
    assert found.hourly == pytest.approx(60.0)
    assert found.hours == pytest.approx(1 / 3)


def test_of_a_pair_the_shorter_counts() -> None:
    """Either may die, and then nothing comes back at first; the primary's are the free ones."""
    found = endurance(PAIR)
    assert found is not None
    assert found.left == 20
    assert found.hourly == pytest.approx(100.0)
    scarce = evolve(PAIR, members=(evolve(ONE, count=evolve(COUNT, free=5)), TWO))
    found = endurance(scarce)
    assert found is not None
    assert (found.rack, found.left) == (ONE.rack, 5)


def test_a_share_as_large_as_what_is_in_use_can_take_all_anew() -> None:
    """Then only what grows counts, also of a pair."""
    count = evolve(COUNT, free=60, backup=60)
    found = endurance(
        evolve(PAIR, members=tuple(evolve(each, count=count) for each in PAIR.members))
    )
    assert found is not None
    assert found.hourly == pytest.approx(60.0)


def test_who_serves_without_a_peer_has_all_that_nobody_holds() -> None:
    """And what comes back counts."""
    found = endurance(SINGLE)
    assert found is not None
    assert found.left == 53
    assert found.hourly == pytest.approx(60.0)


def test_nobody_coming_lasts_without_end() -> None:
    """But where nothing is left it has ended."""
    calm = evolve(SINGLE, members=(evolve(SINGLE.members[0], flow=NO_FLOW),))
    found = endurance(calm)
    assert found is not None
    assert found.hours == inf
    full = evolve(calm.members[0], count=evolve(COUNT, free=0, backup=0, returning=0))
    found = endurance(evolve(calm, members=(full,)))
    assert found is not None
    assert found.hours == 0.0


def test_who_has_not_counted_says_nothing() -> None:
    """Then nobody knows."""
    assert endurance(evolve(SINGLE, members=(evolve(SINGLE.members[0], count=None),))) is None
    half = evolve(PAIR, members=(evolve(ONE, count=None), TWO))
    found = endurance(half)
    assert found is not None
    assert found.rack == TWO.rack


def verdicts(memory: Memory, vlan: VlanStanding, seconds: float) -> dict[Alarm, bool | None]:
    """Judge one VLAN and give what becomes of its alarms."""
    return {each.alarm: each.open for each in judge(memory, [vlan], at(seconds))[1]}


def test_a_pair_with_one_server_is_an_alarm_after_a_while() -> None:
    """A restart is none; a new leader counts anew and leaves what is open."""
    memory, _ = judge(Memory(), [ALONE], NOON)
    assert verdicts(memory, ALONE, GRACE - 0.1)[Alarm.ALONE] is None
    assert verdicts(memory, ALONE, GRACE)[Alarm.ALONE] is True
    assert verdicts(memory, PAIR, GRACE)[Alarm.ALONE] is False
    assert verdicts(Memory(), ALONE, GRACE)[Alarm.ALONE] is None


def test_it_counts_from_when_it_began() -> None:
    """Whoever is a pair in between begins anew."""
    memory, _ = judge(Memory(), [ALONE], NOON)
    memory, _ = judge(memory, [PAIR], at(2.0))
    memory, _ = judge(memory, [ALONE], at(4.0))
    assert verdicts(memory, ALONE, 4.0 + GRACE - 0.1)[Alarm.ALONE] is None


def test_who_took_over_is_alone_from_the_start() -> None:
    """There is no peer to come back by itself in a moment."""
    assert verdicts(Memory(), TAKEN, 0.0)[Alarm.ALONE] is True


def test_nobody_known_to_serve_ends_nothing() -> None:
    """Perhaps it is the regions that are cut off."""
    unknown = evolve(ALONE, members=(GONE, evolve(LEFT, linked=False)))
    assert verdicts(Memory(), unknown, 0.0) == {Alarm.ALONE: None, Alarm.ENDURANCE: None}


def test_few_addresses_are_an_alarm_where_one_serves() -> None:
    """Of a pair it is shown only; without a bound nobody is told."""
    assert verdicts(Memory(), ALONE, 0.0)[Alarm.ENDURANCE] is True
    assert verdicts(Memory(), APART, 0.0)[Alarm.ENDURANCE] is True
    assert verdicts(Memory(), SINGLE, 0.0)[Alarm.ENDURANCE] is True
    assert verdicts(Memory(), PAIR, 0.0)[Alarm.ENDURANCE] is False
    assert verdicts(Memory(), evolve(ALONE, endurance_bound=0), 0.0)[Alarm.ENDURANCE] is False


def test_the_alarm_does_not_flap() -> None:
    """It is over when there is more than the bound by a margin."""

    def lasting(hours: float) -> bool | None:
        flow = Flow(hours and 20 / hours, 0.0, 3000.0)
        vlan = evolve(ALONE, members=(evolve(GONE, flow=NO_FLOW), evolve(LEFT, flow=flow)))
        return verdicts(Memory(), evolve(vlan, endurance_bound=2), 0.0)[Alarm.ENDURANCE]

    assert lasting(1.9) is True
    assert lasting(2.1) is None
    assert lasting(2 * MARGIN) is False


@pytest.mark.parametrize(
    ("vlan", "words"),
    [
        (ALONE, ("rack2 serves alone, as rack1 is away", "maasha dhcp takeover 7")),
        (TAKEN, ("rack2 serves alone, with all addresses", "bring rack1 back")),
        (
            evolve(PAIR, members=(evolve(ONE, serving=False, state=PeerState.UNKNOWN), LEFT)),
            ("rack1 does not answer clients", "maasha dhcp status 7"),
        ),
    ],
)
def test_the_alarm_says_what_to_do(vlan: VlanStanding, words: tuple[str, ...]) -> None:
    """In the same words as long as the case is the same."""
    memory, _ = judge(Memory(), [vlan], NOON)
    told = [judge(memory, [vlan], at(GRACE + extra))[1][0].detail for extra in (0, 60)]
    assert told[0] == told[1]
    for each in words:
        assert each in told[0]


@pytest.mark.parametrize(
    ("vlan", "words"), [(ALONE, "takeover"), (APART, "between"), (SINGLE, "dynamic range")]
)
def test_the_alarm_of_endurance_says_what_helps(vlan: VlanStanding, words: str) -> None:
    """It depends on who serves."""
    assert words in judge(Memory(), [vlan], NOON)[1][1].detail


def test_nobody_takes_over_unless_it_is_allowed() -> None:
    """And then only when nothing was heard of the one for long enough."""
    assert take_overs([ALONE], at(86_400)) == ()
    allowed = evolve(ALONE, take_over_after=300)
    assert take_overs([allowed], at(299)) == ()
    assert take_overs([allowed], at(300)) == (ALONE.vlan,)


@pytest.mark.parametrize(
    "vlan",
    [
        PAIR,
        APART,
        TAKEN,
        SINGLE,
        evolve(ALONE, dhcp_on=False),
        evolve(ALONE, members=(evolve(GONE, linked=True), LEFT)),
        evolve(ALONE, members=(evolve(GONE, draining=True), LEFT)),
        evolve(ALONE, members=(evolve(GONE, heard=at(900)), LEFT)),
        evolve(ALONE, members=(GONE, evolve(LEFT, since=at(900)))),
        evolve(ALONE, members=(GONE, evolve(LEFT, since=None))),
        evolve(ALONE, members=(GONE, evolve(LEFT, state=PeerState.NORMAL))),
        evolve(ALONE, members=(GONE, evolve(LEFT, state=PeerState.RECOVER))),
        evolve(ALONE, members=(GONE, evolve(LEFT, duty=Duty.SOLO))),
    ],
)
def test_nobody_takes_over_without_all_evidence(vlan: VlanStanding) -> None:
    """Its silence to regions and to its peer, both as long."""
    assert take_overs([evolve(vlan, take_over_after=300)], at(1000)) == ()


def test_all_vlans_of_two_racks_go_together() -> None:
    """One dhcpd is restarted for them, so each has to allow it; other pairs do not matter."""
    allowed = evolve(ALONE, take_over_after=300)
    second = evolve(allowed, vlan=VlanId(8))
    assert take_overs([allowed, second], at(1000)) == (ALONE.vlan,)
    assert take_overs([allowed, evolve(second, take_over_after=0)], at(1000)) == ()
    other = evolve(second, members=(evolve(GONE, rack=ONE.rack), evolve(LEFT, rack=TWO.rack)))
    assert take_overs([other, PAIR], at(1000)) == ()


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 1000), st.integers(0, 1000))
def test_endurance_is_never_negative(
    arrivals: float, returns: float, free: int, backup: int
) -> None:
    """Whatever was counted."""
    flow, count = Flow(arrivals, returns, 3000.0), evolve(COUNT, free=free, backup=backup)
    for vlan in (PAIR, SINGLE, ALONE):
        members = tuple(evolve(each, flow=flow, count=count) for each in vlan.members)
        found = endurance(evolve(vlan, members=members))
        assert found is not None
        assert found.hours >= 0.0


def test_the_samples_are_what_they_say() -> None:
    """A hundred an hour come, forty are given back."""
    assert STEADY.hourly == pytest.approx(100.0)
    assert STEADY.net_hourly == pytest.approx(60.0)


RELAYED = evolve(ALONE, vlan=VlanId(8), relay=ALONE.vlan)


def test_a_relayed_vlan_has_its_servers_elsewhere() -> None:
    """That one is alone is told where its place is; how long addresses last is told of each."""
    judged = judge(Memory({VlanId(8): at(0)}), [RELAYED], at(60))[1]
    alone, lasts = judged
    assert (alone.alarm, alone.open) == (Alarm.ALONE, False)
    assert (lasts.alarm, lasts.open) == (Alarm.ENDURANCE, True)
    assert f"maasha dhcp takeover {ALONE.vlan} --off rack1" in lasts.detail


def test_nobody_takes_over_for_the_sake_of_a_relayed_vlan() -> None:
    """What the VLAN allows that the racks have their places in is what counts."""
    never = evolve(RELAYED, take_over_after=0)
    allowed = evolve(ALONE, take_over_after=120)
    assert take_overs([allowed, never], at(1000)) == take_overs([allowed], at(1000))
    assert take_overs([allowed], at(1000)) == (ALONE.vlan,)
    assert take_overs([evolve(RELAYED, take_over_after=120)], at(1000)) == ()
