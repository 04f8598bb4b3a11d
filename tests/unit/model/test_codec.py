"""Records survive the way through JSON exactly, and nothing else becomes a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, field, frozen
from attrs.validators import ge
from hypothesis import given, settings
from hypothesis import strategies as st

from maasha.model.cluster import InstanceId, Introduction, SystemId, Welcome, WorkerId
from maasha.model.codec import SHOWN, BadRecord, from_json, from_loose, to_json, to_loose
from maasha.model.dhcp import DhcpReport, Duty, Role
from maasha.model.lease import BindingState, Lease, LeaseReport
from maasha.model.network import Interface, Subnet, SubnetId
from maasha.model.stamp import Stamp


class Colour(Enum):
    """An enumeration whose values are numbers."""

    RED = 1


@frozen
class Everything:
    """One field of each kind that the model uses."""

    text: str
    number: int
    share: float
    flag: bool
    colour: Colour
    when: datetime | None
    key: UUID
    address: IPv4Address | IPv6Address
    interface: IPv4Interface | IPv6Interface
    network: IPv4Network | IPv6Network
    four: IPv4Address | None
    networks: tuple[IPv4Network, ...]
    six: tuple[IPv6Network | IPv4Network, ...]
    others: tuple[Everything, ...] = ()
    positive: int = field(default=0, validator=ge(0))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
instants = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  hypothesis wants naive bounds
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001  hypothesis wants naive bounds
    timezones=st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours))),
)
addresses = st.ip_addresses(v=4).map(lambda address: IPv4Address(int(address)))
everything = st.builds(
    Everything,
    text=texts,
    number=st.integers(-(2**63), 2**63 - 1),
    share=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
    colour=st.sampled_from(Colour),
    when=st.none() | instants,
    key=st.uuids(),
    address=st.ip_addresses(),
    interface=addresses.map(lambda address: IPv4Interface(f"{address}/24"))
    | st.ip_addresses(v=6).map(lambda address: IPv6Interface(f"{address}/64")),
    network=addresses.map(lambda address: IPv4Network(f"{address}/24", strict=False)),
    four=st.none() | addresses,
    networks=st.just((IPv4Network("10.0.0.0/8"),)),
    six=st.just((IPv6Network("fd00::/8"),)),
    others=st.just(()),
    positive=st.integers(0, 9),
)


@settings(max_examples=50)
@given(everything, st.integers(0, 2))
def test_every_kind_of_field_survives(record: Everything, copies: int) -> None:
    """A record comes back equal, nested ones included, with its times in UTC."""
    record = evolve(record, others=(record,) * copies)
    back = from_json(Everything, to_json(record))
    assert back == record
    assert back.when is None or back.when.tzinfo is UTC


@pytest.mark.parametrize(
    "record",
    [
        Introduction("rack-1", "0.1.0", interfaces=(Interface("eth0", "aa:bb"),)),
        Welcome(SystemId("acdefg"), InstanceId(UUID(int=7)), "4y3h7n", WorkerId(3), "a2V5"),
        LeaseReport(4, (Lease(IPv4Address("10.0.0.50"), BindingState.ACTIVE),)),
        Role(Duty.PRIMARY, "failover-vlan-1-1", IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")),
        DhcpReport(serving=True),
        Subnet(SubnetId(1), IPv4Network("10.0.0.0/24"), dns_servers=(IPv4Address("10.0.0.1"),)),
        Stamp(1, 2),
    ],
)
def test_the_models_records_survive(record: Any) -> None:
    """Records that cross the wire or lie in the database come back equal."""
    assert from_json(type(record), to_json(record)) == record


def test_tuples_and_plain_values_survive() -> None:
    """A tuple of records is a JSON list; a jsonb column comes already parsed."""
    stamps = (Stamp(1, 2), Stamp(3, 4))
    assert from_json(tuple[Stamp, ...], to_json(stamps)) == stamps
    assert from_loose(Stamp, {"incarnation": 1, "counter": 2}) == Stamp(1, 2)
    assert from_json(int, "5") == 5


def test_json_is_compact_and_names_every_field() -> None:
    """No spaces, no field left out, no escapes for what UTF-8 can say."""
    assert to_json(Role(Duty.SOLO, "é")) == (
        '{"duty":"solo","peer_name":"é","address":null,"peer_address":null,"stretches":[]}'
    )


def test_unknown_fields_are_ignored_and_absent_ones_have_their_defaults() -> None:
    """Newer and older versions understand each other."""
    assert from_json(Role, '{"duty":"off","later":[1]}') == Role(Duty.OFF)


@pytest.mark.parametrize(
    ("cls", "text", "path", "reason"),
    [
        (Stamp, "", "", "not JSON"),
        (Stamp, "{", "", "not JSON"),
        (Stamp, "[" * 100_000, "", "not JSON"),
        (int, "9" * 5000, "", "not JSON"),
        (Stamp, '{"incarnation":NaN,"counter":1}', "", "NaN"),
        (Stamp, "[]", "", "not a record Stamp"),
        (Stamp, '"incarnation counter"', "", "not a record Stamp"),
        (Stamp, '{"counter":1}', "incarnation", "missing"),
        (Stamp, '{"incarnation":1,"counter":"2"}', "counter", "not of type int"),
        (Stamp, '{"incarnation":1,"counter":2.5}', "counter", "not of type int"),
        (Stamp, '{"incarnation":true,"counter":2}', "incarnation", "not of type int"),
        (Stamp, '{"incarnation":1,"counter":9223372036854775808}', "counter", "than 64 bits"),
        (Stamp, '{"incarnation":1,"counter":-9223372036854775809}', "counter", "than 64 bits"),
        (Role, '{"duty":"boss"}', "duty", "not a Duty"),
        (Role, '{"duty":["off"]}', "duty", "not a Duty"),
        (Role, '{"duty":"off","peer_name":7}', "peer_name", "not a text"),
        (Role, '{"duty":"off","peer_name":"a\\u0000"}', "peer_name", "NUL"),
        (Role, '{"duty":"off","peer_name":"\\ud800"}', "peer_name", "broken Unicode"),
        (Role, '{"duty":"off","address":5}', "address", "not a text"),
        (Role, '{"duty":"off","address":"10.0.0.256"}', "address", "Octet 256"),
        (LeaseReport, '{"cursor":1,"leases":"abc"}', "leases", "not a list"),
        (LeaseReport, '{"cursor":1,"leases":[{}]}', "leases[0].ip", "missing"),
        (
            LeaseReport,
            '{"cursor":1,"leases":[{"ip":"10.0.0.1","state":"free","ends":"2026-01-01"}]}',
            "leases[0].ends",
            "offset from UTC",
        ),
        (tuple[Stamp, ...], "[{}]", "[0].incarnation", "missing"),
        (DhcpReport, '{"serving":1}', "serving", "not of type bool"),
    ],
)
def test_garbage_is_refused_by_name(cls: type, text: str, path: str, reason: str) -> None:
    """The error leads to the first bad field; no half of a record comes out."""
    with pytest.raises(BadRecord) as caught:
        from_json(cls, text)
    assert caught.value.path == path
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"{path or 'the record'}: ")


def test_a_class_may_refuse_values_itself() -> None:
    """The validators of a record count, too."""
    loose = json.loads(to_json(EXAMPLE))
    with pytest.raises(BadRecord, match="must be >= 0"):
        from_loose(Everything, {**loose, "positive": -1})


EXAMPLE = Everything(
    "",
    0,
    0.0,
    flag=False,
    colour=Colour.RED,
    when=None,
    key=UUID(int=0),
    address=IPv4Address(0),
    interface=IPv4Interface("0.0.0.0/0"),
    network=IPv4Network("0.0.0.0/0"),
    four=None,
    networks=(),
    six=(),
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"share": float("nan")}, "JSON compliant"),
        ({"when": datetime(2026, 1, 1)}, "use aware times"),  # noqa: DTZ001  that is the point
        ({"text": "\ud800"}, "surrogates"),
    ],
)
def test_what_json_cannot_carry_is_not_written(change: dict[str, Any], reason: str) -> None:
    """The writer finds its own mistake."""
    with pytest.raises(BadRecord, match=reason):
        to_json(evolve(EXAMPLE, **change))


def test_an_error_shows_only_the_start_of_a_long_value() -> None:
    """A refused megabyte does not fill the log."""
    with pytest.raises(BadRecord) as caught:
        from_json(Stamp, "x" * 1_000_000)
    assert len(caught.value.value) == SHOWN + 3


leaves = st.none() | st.booleans() | st.floats() | st.text()
names = st.sampled_from(["cursor", "leases", "ip", "state", "mac"])
trees = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=10
)


@settings(max_examples=50)
@given(trees)
def test_no_json_raises_anything_else(loose: Any) -> None:
    """Whatever JSON says, the outcome is the record or BadRecord."""
    try:
        report = from_loose(LeaseReport, loose)
    except BadRecord:
        return
    assert from_json(LeaseReport, to_json(report)) == report


def test_what_json_takes_can_be_had_without_its_text() -> None:
    """And is read back."""
    stamp = Stamp(1, 2)
    assert to_loose((stamp,)) == [{"incarnation": 1, "counter": 2}]
    assert from_loose(Stamp, to_loose(stamp)) == stamp
