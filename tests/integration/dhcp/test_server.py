"""The rack's DHCP server with real dhcpd."""

from __future__ import annotations
