"""What clients are told about their network and what they boot."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import evolve

from maasha.dhcp.options import ARCHITECTURE, boot_options, subnet_options
from maasha.dhcp.render import render
from maasha.model.dhcp import SOLO
from maasha.model.options import Boot, BootFile, PairNumbers
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, subnet

HERE, ELSEWHERE = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.9")
PXE, HTTP = BootFile(0, "undionly.kpxe"), BootFile(16, "http://{rack}:8000/boot.efi")
REST = BootFile(None, "grub.0")


def test_options_of_a_subnet() -> None:
    """Each option is there once it is chosen, in a fixed order."""
    bare = subnet()
    assert list(subnet_options(bare, ())) == []
    full = evolve(
        bare,
        gateway=HERE,
        search_list=("example.org", "lab.example.org"),
        ntp_servers=(ELSEWHERE,),
    )
    assert list(subnet_options(full, (HERE, ELSEWHERE))) == [
        "option routers 10.0.0.1;",
        "option domain-name-servers 10.0.0.1, 10.0.0.9;",
        'option domain-name "example.org";',
        'option domain-search "example.org", "lab.example.org";',
        "option ntp-servers 10.0.0.9;",
    ]


def test_nothing_to_boot() -> None:
    """Without files clients are told no server either."""
    assert list(boot_options(Boot(server=ELSEWHERE), HERE)) == []


def test_a_file_for_each_architecture() -> None:
    """The rack stands in for itself; HTTP boot is said to be that."""
    assert list(boot_options(Boot((PXE, HTTP, REST)), HERE)) == [
        "next-server 10.0.0.1;",
        "if option arch = 00:00 {",
        '    filename "undionly.kpxe";',
        "}",
        "elsif option arch = 00:10 {",
        '    option vendor-class-identifier "HTTPClient";',
        '    filename "http://10.0.0.1:8000/boot.efi";',
        "}",
        "else {",
        '    filename "grub.0";',
        "}",
    ]


def test_one_file_for_all() -> None:
    """Nobody is asked for his architecture then; the server is the one that was chosen."""
    assert list(boot_options(Boot((REST,), ELSEWHERE), HERE)) == [
        "next-server 10.0.0.9;",
        'filename "grub.0";',
    ]


def test_a_rack_without_an_address_names_no_server() -> None:
    """Such a VLAN is refused before; the lines hold all the same."""
    assert list(boot_options(Boot((BootFile(None, "http://{rack}/a"),)), None)) == [
        'option vendor-class-identifier "HTTPClient";',
        'filename "http:///a";',
    ]


def test_the_architecture_is_declared_whoever_asks_for_it() -> None:
    """By itself dhcpd does not know the option; a snippet may ask where nothing boots."""
    boots = evolve(PLAIN, boot=Boot((PXE,)))
    for each in (boots, PLAIN):
        assert ARCHITECTURE in render(rack(each), {PLAIN.vlan: SOLO}).plan.config


def test_the_numbers_of_the_pair_are_the_vlans() -> None:
    """Those of the manual, unless somebody chose others."""
    chosen = evolve(PLAIN, numbers=PairNumbers(30, 128, 5))
    config = render(rack(chosen), {PLAIN.vlan: PRIMARY}).plan.config
    for line in ("mclt 30;", "split 128;", "max-response-delay 5;"):
        assert f"     {line}\n" in config
