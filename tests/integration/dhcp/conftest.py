"""Fixtures: a wire, and racks at its ends; what such tests need of the machine."""

from __future__ import annotations

import pytest

from lab.testing import require
from tests.integration.dhcp.rack import here, there
from tests.integration.dhcp.wire import link

__all__ = ["here", "link", "there"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look at the machine before a test marked `root`."""
    if item.get_closest_marker("root"):
        require()
