"""What the two address families of DHCP have apart for whoever runs a server: dhcpd(8) is one."""

from __future__ import annotations

from attrs import frozen


@frozen
class Family:
    """One of them; a dhcpd serves exactly one."""

    flag: str
    """dhcpd's own option."""
    omapi_port: int
    """TCP, on all addresses; two servers on one host need two."""
    folder: str
    """Name of the folder with its files, below the rack's data."""
    unit: str
    """Name of systemd's unit, where that runs it."""


IPV4 = Family("-4", 7911, "dhcp", "maasha-dhcpd.service")
IPV6 = Family("-6", 7912, "dhcp6", "maasha-dhcpd6.service")
