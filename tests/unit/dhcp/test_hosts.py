"""Texts of fixed hosts: read, declared, compared, and led from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.hosts import (
    Add,
    BadHosts,
    Drop,
    Host,
    Move,
    Operation,
    fingerprint,
    operations,
    parse,
    patched,
    select,
    stanzas,
    touched,
)

ONE, TWO, THREE = (f"52:54:00:00:00:0{digit}" for digit in range(1, 4))
TEXT = f"{ONE} 10.0.0.5 web\n{ONE} 10.1.0.5 other\n{TWO} 10.0.0.6 -\n"
MACS = st.integers(0, 40).map(lambda number: f"52:54:00:00:00:{number:02x}")
ADDRESSES = st.integers(0, 30).map(lambda number: IPv4Address("10.0.0.10") + number)
NAMES = st.sampled_from(["-", "-", "web", "db-1", "X9"])


def written(entries: Iterable[tuple[str, IPv4Address, str]]) -> str:
    """Write a text as the region does."""
    return "".join(f"{mac} {address} {name}\n" for mac, address, name in sorted(entries))


TEXTS = st.lists(
    st.tuples(MACS, ADDRESSES, NAMES), max_size=30, unique_by=lambda entry: entry[:2]
).map(written)


def known(text: str) -> dict[str, Host]:
    """Give the hosts of a text by MAC, as dhcpd knows them."""
    return {host.mac: host for host in parse(text)}


def carried_out(before: Mapping[str, Host], steps: Iterable[Operation]) -> dict[str, Host]:
    """Do in a table what dhcpd does: it adds no second host of a MAC, and moves none it lacks."""
    hosts = dict(before)
    for step in steps:
        match step:
            case Drop(mac):
                hosts.pop(mac, None)
            case Move(mac, addresses):
                hosts[mac] = Host(mac, addresses, hosts[mac].name)
            case Add(host):
                assert host.mac not in hosts
                hosts[host.mac] = host
    return hosts


def test_a_text_is_read_by_client() -> None:
    """A client's addresses are one host, under the first of its names."""
    assert parse(TEXT) == (Host(ONE, ("10.0.0.5", "10.1.0.5"), "web"), Host(TWO, ("10.0.0.6",)))
    assert parse("") == ()
    nameless = f"{ONE} 10.0.0.5 -\n{ONE} 10.1.0.5 other\n"
    assert parse(nameless)[0].name == "other"


def test_hosts_are_declared_one_in_a_line() -> None:
    """Each under a name that its MAC alone makes."""
    assert stanzas(TEXT).splitlines() == [
        "host mac-525400000001 { hardware ethernet 52:54:00:00:00:01; "
        'fixed-address 10.0.0.5, 10.1.0.5; option host-name "web"; }',
        "host mac-525400000002 { hardware ethernet 52:54:00:00:00:02; fixed-address 10.0.0.6; }",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense\n",
        "\n",
        f"{ONE} 10.0.0.256 -\n",
        f"{ONE} 10.0.0.5\n",
        f"{ONE} 10.0.0.5 a b\n",
        f'{ONE} 10.0.0.5 a";}}\n',
        f"{ONE} 10.0.0.5 -a\n",
        f"{ONE} 10.0.0.5 {'a' * 64}\n",
        "52:54:00:00:00:0A 10.0.0.5 -\n",
        f"{TWO} 10.0.0.5 -\n{ONE} 10.0.0.6 -\n",
        f"{ONE} 10.0.0.5 -\n{TWO} 10.0.0.6 -\n{ONE} 10.0.0.7 -\n",
    ],
)
def test_what_is_no_text_of_hosts_is_refused(text: str) -> None:
    """Nothing of it comes before dhcpd, and the line is named."""
    with pytest.raises(BadHosts, match="not a host's MAC, address and name"):
        stanzas(text)


@given(st.text() | st.text().map(lambda name: f"{ONE} 10.0.0.5 {name}\n"))
def test_any_text_is_hosts_or_is_refused(text: str) -> None:
    """What is taken declares nothing but hosts."""
    try:
        declared = stanzas(text)
    except BadHosts:
        return
    assert declared.count("{") == declared.count("}") == declared.count("\n") == len(parse(text))


def test_a_fingerprint_tells_texts_apart() -> None:
    """No hosts have none."""
    assert fingerprint("") == ""
    assert len(fingerprint(TEXT)) == 64
    assert fingerprint(TEXT) != fingerprint(TEXT[:-1])


@given(TEXTS, TEXTS)
def test_only_what_differs_is_touched(before: str, after: str) -> None:
    """The MACs whose hosts are not the same are among them, and nobody else's."""
    macs = touched(before, after)
    old, new = known(before), known(after)
    assert {mac for mac in {*old, *new} if old.get(mac) != new.get(mac)} <= macs
    assert select(after, macs) == {mac: host for mac, host in new.items() if mac in macs}


@given(TEXTS, TEXTS)
def test_what_is_patched_is_what_would_be_written(before: str, after: str) -> None:
    """The file of hosts says the same as if it were made anew."""
    macs = touched(before, after)
    assert patched(stanzas(before), macs, select(after, macs)) == stanzas(after)


@given(TEXTS, TEXTS)
def test_the_operations_lead_from_one_text_to_the_other(before: str, after: str) -> None:
    """Whatever the two are, and what they have in common is left alone."""
    macs = touched(before, after)
    steps = operations(select(before, macs), select(after, macs), frozenset())
    assert carried_out(known(before), steps) == known(after)
    assert {step.host.mac if isinstance(step, Add) else step.mac for step in steps} <= macs


@given(TEXTS, TEXTS, TEXTS)
def test_they_lead_there_from_what_nobody_knows(before: str, tried: str, after: str) -> None:
    """A change that went wrong half way is no obstacle: any part of it may have been done."""
    unsure = touched(before, tried)
    half = known(before)
    for mac in sorted(unsure)[::2]:
        half.pop(mac, None)
        if mac in known(tried):
            half[mac] = known(tried)[mac]
    macs = touched(before, after) | unsure
    steps = operations(select(before, macs), select(after, macs), unsure)
    assert carried_out(half, steps) == known(after)


def test_what_is_the_same_is_left_alone() -> None:
    """Unless nobody knows it."""
    same = known(TEXT)
    assert operations(same, same, frozenset()) == ()
    assert operations(same, same, {TWO}) == (Drop(TWO), Add(same[TWO]))


def test_an_address_moves_without_its_host_being_gone() -> None:
    """Two clients swap theirs by two moves; a name can only be changed by a host made anew."""
    before = known(f"{ONE} 10.0.0.5 web\n{TWO} 10.0.0.6 db\n{THREE} 10.0.0.7 x\n")
    after = known(f"{ONE} 10.0.0.6 web\n{TWO} 10.0.0.5 db\n{THREE} 10.0.0.7 y\n")
    assert operations(before, after, frozenset()) == (
        Drop(THREE),
        Move(ONE, ("10.0.0.6",)),
        Move(TWO, ("10.0.0.5",)),
        Add(Host(THREE, ("10.0.0.7",), "y")),
    )
