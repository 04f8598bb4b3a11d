"""Endpoints are written as in a URL."""

from __future__ import annotations

from maasha.model.cluster import Endpoint


def test_an_ipv6_endpoint_has_brackets() -> None:
    """The port is told from the address."""
    assert str(Endpoint("10.0.0.1", 5250)) == "10.0.0.1:5250"
    assert str(Endpoint("fd00::1", 5250)) == "[fd00::1]:5250"
