"""Interfaces as `ip -j addr` shows them."""

from __future__ import annotations

import json
from ipaddress import ip_interface

from maasha.host.interfaces import parse

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


def test_link_local_addresses_are_left_out() -> None:
    """Only addresses of global scope can be reached by other hosts for sure."""
    (interface,) = parse(json.dumps(ANSWER))
    assert interface.addresses == (ip_interface("10.0.0.1/24"),)
