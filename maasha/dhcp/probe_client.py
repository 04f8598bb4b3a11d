"""As whom racks ask which DHCP servers are on a VLAN: a client that their own dhcpds ignore."""

from __future__ import annotations

from hashlib import sha256

NAME = "maasha-probe"
LOCAL = 0x02
"""First byte: an address that somebody gave himself, of one station (IEEE 802, 8.4)."""


def probe_client(omapi_secret: str) -> str:
    """Give the client's MAC address, one of its own for each instance.

    Another instance's dhcpds answer it, so that they are found.
    """
    digest = sha256(f"{NAME} {omapi_secret}".encode()).digest()
    return bytes((LOCAL, *digest[:5])).hex(":")


def ignored(omapi_secret: str) -> tuple[str, ...]:
    """Give the lines of dhcpd.conf by which the client is ignored, without a word in the log."""
    return (f"hardware ethernet {probe_client(omapi_secret)};", "ignore booting;")
