"""Fixtures: a wire, and racks at its ends."""

from __future__ import annotations

from tests.integration.dhcp.rack import here, there
from tests.integration.dhcp.wire import link

__all__ = ["here", "link", "there"]
