"""Nothing secret and no lease is ever shown; what may be seen is on a list."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import Introduction, RackKey, SystemId, Welcome
from maasha.model.codec import to_json
from maasha.model.dhcp import DhcpPlan, DhcpReport, Duty, Role, VlanRole
from maasha.model.lease import BindingState, Lease, LeaseReport
from maasha.model.network import Interface, VlanId
from maasha.model.sighting import Peer, Watch
from maasha.model.stamp import Stamp
from maasha.rpc import commands, errors
from maasha.rpc.tracing.conversation import Conversation, Moment
from maasha.rpc.tracing.harmless import (
    ARGUMENTS,
    COMMANDS,
    FIELDS,
    MOST_ITEMS,
    arguments,
    kind,
    problem,
)
from maasha.rpc.tracing.layout import Layout
from maasha.rpc.wire.boxes import Pairs
from maasha.rpc.wire.values import pieces
from tests.unit.rpc.parts import INSTANCE, WELCOME
from tests.unit.rpc.tracing.secrets import exchange, tells

EPOCH = Stamp(1, 4)
NOW = Moment(1.0, datetime(2025, 3, 1, tzinfo=UTC))


@given(st.lists(exchange(), max_size=3), st.integers(1, 3000))
def test_no_part_of_a_secret_is_ever_shown(several: list[tuple[bytes, bytes]], size: int) -> None:
    """Not on a line and not in its JSON, however wrong or foreign the message and its chunks."""
    conversation, layout = Conversation("region:pid=1"), Layout(100, UTC)
    for question, answer in several:
        for sent, data in ((True, question), (False, answer)):
            for start in range(0, len(data), size):
                chunk = data[start : start + size]
                for line in conversation.hear(sent, chunk, "192.0.2.1:5250", NOW):
                    assert not tells(to_json(line))
                    assert not tells(layout.written(line))


def test_what_is_hidden_is_known_by_name() -> None:
    """An argument that is added later is hidden until somebody puts it on the list, and here."""
    hidden = {
        f"{command.__name__}.{name.decode()}"
        for command in COMMANDS.values()
        for name, _ in (*command.arguments, *command.response)
        if name not in ARGUMENTS
    }
    assert hidden == {
        "Hello.nonce",
        "Hello.token",
        "Prove.proof",
        "Register.key",
        "ChangeHosts.hosts",
    }


def test_the_hidden_fields_are_known_by_name() -> None:
    """Likewise, of each record of which something is shown."""
    fields = {
        f"{record.__name__}.{field.name}"
        for record, shown in FIELDS.items()
        for field in attrs.fields(record)
        if field.name not in shown
    }
    assert fields == {
        "Introduction.url",
        "Introduction.lease_store",
        "Introduction.registration",
        "Interface.mac",
        "Interface.addresses",
        "Welcome.omapi_secret",
        "DhcpPlan.config",
        "DhcpPlan.hosts",
        "Role.address",
        "Role.peer_address",
        "Role.stretches",
        "DhcpReport.digest",
        "DhcpReport.lease_store",
        "DhcpReport.problem",
        "Order.since",
        "Order.until",
        "Order.by",
        "Act.at",
        "Act.who",
        "Act.result",
        "DhcpReport.hosts",
        "LeaseReport.leases",
        "Trouble.detail",
        "Move.reason",
        "EventLoop.endpoints",
        "Watch.address",
        "Watch.key",
        "Peer.address",
        "Probe.client",
        "Probe.address",
        "Probe.resolvers",
        "Finding.servers",
        "Finding.resolvers",
        "RemoteFailure.text",
        "BadArgument.reason",
        "Unavailable.reason",
    }


def test_every_listed_field_is_there() -> None:
    """The list knows no field that its record has lost."""
    for record, shown in FIELDS.items():
        assert shown <= {field.name for field in attrs.fields(record)}
    names = {
        name for command in COMMANDS.values() for name, _ in (*command.arguments, *command.response)
    }
    assert names >= ARGUMENTS


def asked(command: type[commands.Call], **records: Any) -> dict[str, Any]:
    """Show what a question carries whose arguments are records."""
    box: Pairs = {}
    for name, record in records.items():
        box.update(pieces(name.encode(), to_json(record).encode()))
    return arguments(command, False, box)


def test_a_plan_is_shown_without_its_text() -> None:
    """What it is for, which roles and which generation, and how long the text is."""
    role = Role(Duty.PRIMARY, "failover-1", IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))
    plan = DhcpPlan(EPOCH, "omapi-key k;\n", ("eth1",), (VlanRole(VlanId(5), role, "eth1"),), 3)
    assert asked(commands.ConfigureDHCP, epoch=EPOCH, plan=plan) == {
        "epoch": "1.4",
        "plan": {
            "generation": "1.4",
            "config": "<text, 13 bytes>",
            "interfaces": ["eth1"],
            "roles": [
                {
                    "vlan": 5,
                    "role": {
                        "duty": "primary",
                        "peer_name": "failover-1",
                        "address": "<text, 8 bytes>",
                        "peer_address": "<text, 8 bytes>",
                        "stretches": "<0 items>",
                    },
                    "interface": "eth1",
                    "relayed": [],
                }
            ],
            "acts": 3,
            "hosts": "",
        },
    }


def test_a_watch_is_shown_without_its_key() -> None:
    """Which VLAN, for whom and on which interface; of the key there is its length."""
    peer = Peer(RackKey(2), IPv4Address("10.0.0.2"), "rack2")
    watch = Watch(VlanId(5), RackKey(1), "eth1", IPv4Address("10.0.0.1"), (peer,), "5e" * 32)
    assert asked(commands.LookOut, watches=(watch,)) == {
        "watches": [
            {
                "vlan": 5,
                "rack": 1,
                "interface": "eth1",
                "address": "<text, 8 bytes>",
                "peers": [{"rack": 2, "address": "<text, 8 bytes>", "hostname": "rack2"}],
                "key": "<text, 64 bytes>",
            }
        ]
    }


def test_leases_are_counted() -> None:
    """Nothing of them is shown."""
    lease = Lease(IPv4Address("10.0.0.50"), BindingState.ACTIVE, "02:00:00:00:00:01", hostname="x")
    report = LeaseReport(7, (lease, lease))
    assert asked(commands.ReportLeases, report=report) == {
        "report": {
            "cursor": 7,
            "leases": "<2 items>",
            "acknowledged": 0,
            "clock": None,
            "troubles": [],
        }
    }


def test_a_rack_introduces_itself_without_addresses() -> None:
    """Nor a URL, which may have a password in it."""
    interface = Interface("eth1", "02:00:00:00:00:01", (IPv4Interface("10.0.0.1/24"),))
    shown = asked(
        commands.Register,
        introduction=Introduction(
            "rack1", "0.1.0", SystemId("abc346"), "http://u:p@r/", (interface,), registration="once"
        ),
    )
    assert shown["introduction"] == {
        "hostname": "rack1",
        "version": "0.1.0",
        "system_id": "abc346",
        "url": "<text, 13 bytes>",
        "interfaces": [
            {
                "name": "eth1",
                "mac": "<text, 17 bytes>",
                "addresses": "<1 item>",
                "mtu": 1500,
                "vid": 0,
                "parent": "",
            }
        ],
        "epoch": "0.0",
        "generation": "0.0",
        "lease_store": "",
        "serving": True,
        "registration": "<text, 4 bytes>",
    }


def test_a_welcome_is_shown_without_its_key() -> None:
    """Neither OMAPI's nor the rack's own."""
    box = {b"welcome": to_json(WELCOME).encode(), b"key": b"k" * 64}
    assert arguments(commands.Register, True, box) == {
        "welcome": {
            "system_id": "acdefg",
            "instance": str(INSTANCE),
            "region": "4y3h7n",
            "worker": 7,
            "omapi_secret": "<text, 8 bytes>",
        },
        "key": "<64 bytes>",
    }


def test_the_handshake_is_shown_without_what_it_proves() -> None:
    """Of the credential only its kind, and only if it is one."""
    box = {b"lowest": b"1", b"credential": b"token", b"token": b"k3f8", b"nonce": b"n" * 32}
    hello: Pairs = {**box, b"instance": str(INSTANCE).encode(), b"version": b"0.1\x1b"}
    assert arguments(commands.Hello, False, hello) == {
        "lowest": 1,
        "version": "0.1\\u001b",
        "instance": str(INSTANCE),
        "credential": "token",
        "token": "<4 bytes>",
        "nonce": "<32 bytes>",
    }
    shown = arguments(commands.Hello, False, {b"credential": b"c0ffee"})
    assert shown == {"credential": "<6 bytes, not as declared>"}


def test_a_third_partys_command_is_its_own_affair() -> None:
    """Names and sizes, whatever the names are."""
    box = {b"password": b"hunter2", b"\x1b": b"x", b"y y": b"zz", b"_ask": b"1"}
    assert arguments(None, False, box) == {"password": "<7 bytes>", "...": "<2 more, 3 bytes>"}
    many = {b"k%02d" % number: b"x" for number in range(MOST_ITEMS + 3)}
    shown = arguments(None, False, many)
    assert len(shown) == MOST_ITEMS + 1
    assert shown["..."] == "<3 more, 3 bytes>"


def test_pieces_that_do_not_fit_together_are_counted_apart() -> None:
    """One is missing between them."""
    shown = arguments(commands.ReportDHCP, False, {b"report": b"{}", b"report.3": b"x"})
    assert shown == {"report": "<2 bytes>", "report.3": "<1 byte>"}


def test_a_text_in_pieces_is_one() -> None:
    """As it was said."""
    plan = DhcpPlan(EPOCH, "x" * 70_000, (), ())
    assert asked(commands.ConfigureDHCP, plan=plan)["plan"]["config"] == "<text, 70,000 bytes>"


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "[",
        '"secret"',
        "[NaN]",
        "1e999",
        "[" * 100_000,
        '{"incarnation": "secret", "counter": 1}',
        '{"incarnation": true, "counter": 1}',
        '{"incarnation": 1000000000000000000, "counter": 1}',
    ],
)
def test_a_value_of_another_form_is_counted(text: str) -> None:
    """It is not what was declared, so nobody knows what it is."""
    shown = arguments(commands.Retire, False, {b"epoch": text.encode()})
    size = f"{len(text):,} byte{'s' if len(text) > 1 else ''}"
    assert shown == {"epoch": f"<{size}, not as declared>"}


def test_a_field_of_another_form_has_a_kind() -> None:
    """The rest of its record is shown, and that there was more than is known."""
    loose = {"serving": "secret", "generation": [1, 2], "services": {"a": 1}, "new": 1, "newer": 2}
    shown = arguments(commands.ReportDHCP, False, {b"report": json.dumps(loose).encode()})
    assert shown["report"] == {
        "serving": "<text, 6 bytes>",
        "generation": "<2 items>",
        "services": "<1 field>",
        "...": "<2 unknown>",
    }
    loose = {"serving": None, "generation": False, "services": 7, "problem": ""}
    shown = arguments(commands.ReportDHCP, False, {b"report": json.dumps(loose).encode()})
    assert shown["report"] == {
        "serving": None,
        "generation": "<yes or no>",
        "services": "<number>",
        "problem": "",
    }
    assert kind("\ud800") == "<text, 1 byte>"


def test_of_a_long_list_the_beginning_is_shown() -> None:
    """The others are counted."""
    interfaces = tuple(Interface(f"eth{number}", "m") for number in range(MOST_ITEMS + 2))
    shown = asked(commands.ReportInterfaces, interfaces=interfaces)["interfaces"]
    assert [one["name"] for one in shown[:-1]] == [f"eth{n}" for n in range(MOST_ITEMS)]
    assert shown[-1] == "<2 more>"


def test_words_of_another_form_are_hidden() -> None:
    """A UUID that is none, a text that is a list, a number where there may be nothing."""
    box = {b"introduction": b'{"system_id": 7}'}
    assert arguments(commands.Register, False, box)["introduction"] == {"system_id": "<number>"}
    loose = {"system_id": ["x"], "instance": "secret", "region": "r", "worker": 1}
    box = {b"welcome": json.dumps(loose).encode()}
    assert arguments(commands.Register, True, box)["welcome"] == {
        "system_id": "<1 item>",
        "instance": "<text, 6 bytes>",
        "region": "r",
        "worker": 1,
    }


def described(error: errors.RpcError) -> tuple[dict[str, Any], str]:
    """Show an error as it travels."""
    return problem(errors.code_of(type(error)), errors.describe(error))


def test_an_error_says_what_it_may() -> None:
    """Its message is made anew out of fields that may be seen, never taken from the peer."""
    stale = errors.StaleEpoch(EPOCH, Stamp(1, 5))
    assert described(stale) == ({"got": "1.4", "known": "1.5"}, str(stale))
    forged = json.dumps({"message": "secret", "got": {"incarnation": 1, "counter": 4}})
    assert problem(b"StaleEpoch", forged.encode()) == ({"got": "1.4"}, "")


def test_an_error_whose_fields_are_hidden_has_no_message() -> None:
    """It would have them in it."""
    assert described(errors.DhcpRefused("line 3")) == ({"listing": "<text, 6 bytes>"}, "")
    assert described(errors.BadArgument("report", "got 'x'")) == (
        {"argument": "report", "reason": "<text, 7 bytes>"},
        "",
    )
    assert described(errors.Unavailable("no database", 2)) == (
        {"reason": "<text, 11 bytes>", "retry_after": 2},
        "",
    )
    assert described(errors.NotOwner(None))[0] == {"owner": None}


@pytest.mark.parametrize(
    ("code", "description", "shown"),
    [
        (b"ACME", b"secret", {"description": "<6 bytes>"}),
        (b"UNHANDLED", b"", {}),
        (b"StaleEpoch", b"not JSON", {"description": "<8 bytes>"}),
        (b"StaleEpoch", b"[1]", {"description": "<3 bytes>"}),
        (b"StaleEpoch", b"\xff", {"description": "<1 byte>"}),
    ],
)
def test_an_error_in_other_words_is_counted(
    code: bytes, description: bytes, shown: dict[str, str]
) -> None:
    """Its code is all that is shown of it."""
    assert problem(code, description) == (shown, "")


def test_every_record_of_ours_can_be_shown() -> None:
    """A report as racks send it is all on the list, but for three of its fields."""
    shown = asked(commands.ReportDHCP, report=DhcpReport(serving=False, digest="ab" * 32))
    assert shown["report"]["serving"] is False
    assert shown["report"]["services"] == []
    assert arguments(commands.Register, True, {b"welcome": to_json(WELCOME).encode()})
    assert FIELDS[Welcome] < {field.name for field in attrs.fields(Welcome)}
