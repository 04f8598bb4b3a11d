"""Roles know whether they share a VLAN."""

from __future__ import annotations

from maasha.model.dhcp import OFF, SOLO, Duty, Role


def test_primary_and_secondary_are_paired() -> None:
    """The other duties stand alone."""
    assert [Role(duty).paired for duty in Duty] == [False, False, True, True]
    assert (OFF.duty, SOLO.duty) == (Duty.OFF, Duty.SOLO)
