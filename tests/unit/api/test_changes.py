from __future__ import annotations

from ipaddress import ip_address

from attrs import evolve

from maasha.api.changes import differences
from maasha.model.network import RangeType
from tests.unit.api.samples import DYNAMIC, ONE, SUBNET, VLAN


def test_differences() -> None:
    """Every attribute that changed is said with its old and new value."""
    after = evolve(VLAN, primary=ONE, dhcp_on=True, description="lab")
    assert differences(VLAN, after) == (
        "description '' -> lab, dhcp_on False -> True, primary none -> rack-1"
    )


def test_lists_and_choices() -> None:
    """Lists are said in brackets, choices by their value."""
    server = ip_address("10.0.0.2")
    after = evolve(SUBNET, dns_servers=(server, server))
    assert differences(SUBNET, after) == "dns_servers [] -> [10.0.0.2 10.0.0.2]"
    reserved = evolve(DYNAMIC, type=RangeType.RESERVED)
    assert differences(DYNAMIC, reserved) == "type dynamic -> reserved"


def test_nothing_changed() -> None:
    """Equal records have no differences."""
    assert differences(VLAN, evolve(VLAN)) == ""
