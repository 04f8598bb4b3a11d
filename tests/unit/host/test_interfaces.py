"""Interfaces as `ip -j addr` shows them."""

from __future__ import annotations

import json
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as global_reactor

from maasha.host import interfaces
from maasha.host.interfaces import parse, read
from tests.asynchronous import asynchronous

reactor: Any = global_reactor  # its type depends on the platform

ANSWER = [
    {
        "ifname": "lo",
        "link_type": "loopback",
        "flags": ["LOOPBACK", "UP"],
        "addr_info": [{"local": "127.0.0.1", "prefixlen": 8, "scope": "host"}],
    },
    {
        "ifname": "eth0@if7",
        "link_type": "ether",
        "flags": ["BROADCAST", "UP"],
        "address": "02:AA:00:00:00:01",
        "mtu": 9000,
        "addr_info": [
            {"local": "10.0.0.1", "prefixlen": 24, "scope": "global"},
            {"local": "fe80::1", "prefixlen": 64, "scope": "link"},
            {"scope": "global"},
        ],
    },
    {"ifname": "eth1", "link_type": "ether", "flags": ["BROADCAST"], "addr_info": []},
    {},
]


def test_only_wired_interfaces_that_are_up_count() -> None:
    """Loopback, interfaces that are down and empty entries are left out."""
    (interface,) = parse(json.dumps(ANSWER))
    assert interface.name == "eth0"
    assert interface.mac == "02:aa:00:00:00:01"
    assert interface.mtu == 9000


def test_bonds_and_bridges_are_one_interface_each() -> None:
    """What they are made of is left out; tags on a bond are seen with it."""
    found = parse(Path(__file__).with_name("bonded.json").read_text())
    assert [(each.name, each.vid, each.parent) for each in found] == [
        ("bond0", 0, ""),
        ("bond0.100", 100, "bond0"),
        ("br200", 0, ""),
    ]
    assert [str(*each.addresses) for each in found] == ["10.0.0.1/24", "10.1.0.1/22", "10.2.0.1/24"]


TAGGED = {
    "ifname": "eth0.100",
    "link": "eth0",
    "link_type": "ether",
    "flags": ["BROADCAST", "UP"],
    "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 100}},
}


@pytest.mark.parametrize(
    ("changed", "vid", "parent"),
    [
        ({}, 100, "eth0"),
        ({"link": None}, 100, ""),
        ({"linkinfo": {"info_kind": "vlan", "info_data": {"id": 7}}}, 7, "eth0"),
        ({"linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1ad", "id": 7}}}, 0, ""),
        ({"linkinfo": {"info_kind": "vlan"}}, 0, ""),
        ({"linkinfo": {"info_kind": "veth"}}, 0, ""),
        ({"linkinfo": {}}, 0, ""),
    ],
)
def test_a_tag_is_seen_with_the_interface_that_carries_it(
    changed: dict[str, object], vid: int, parent: str
) -> None:
    """A parent in another namespace has no name here; a veth's other end is no parent."""
    entry = {name: value for name, value in (TAGGED | changed).items() if value is not None}
    (interface,) = parse(json.dumps([entry]))
    assert (interface.vid, interface.parent) == (vid, parent)


def test_link_local_addresses_are_left_out() -> None:
    """Only addresses of global scope can be reached by other hosts for sure."""
    (interface,) = parse(json.dumps(ANSWER))
    assert interface.addresses == (ip_interface("10.0.0.1/24"),)


def program(folder: Path, text: str) -> str:
    """Write a stand-in for ip(8)."""
    path = folder / "ip"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@asynchronous
async def test_the_kernel_is_asked_by_ip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without blocking the reactor."""
    (tmp_path / "answer").write_text(json.dumps(ANSWER))
    monkeypatch.setattr(interfaces, "IP_PROGRAM", program(tmp_path, f"cat {tmp_path}/answer"))
    assert await read(reactor) == parse(json.dumps(ANSWER))


@asynchronous
async def test_an_ip_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says on its standard error is the reason."""
    complaint = "echo 'Cannot open netlink socket' >&2; exit 1"
    monkeypatch.setattr(interfaces, "IP_PROGRAM", program(tmp_path, complaint))
    with pytest.raises(OSError, match="Cannot open netlink socket"):
        await read(reactor)
