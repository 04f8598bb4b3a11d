"""What a machine needs for a lab, and what becomes of tests where it has not."""

import os

import pytest

from lab.requirements import PROGRAMS, missing
from lab.testing import require


def test_everything_missing_is_named() -> None:
    """Each program with the package to install."""
    named = missing(path="")
    assert "program dhcpd (package isc-dhcp-server)" in named
    assert len([each for each in named if each.startswith("program ")]) >= len(PROGRAMS)


@pytest.mark.root
def test_a_machine_that_runs_labs_lacks_nothing() -> None:
    """Root is a part of it."""
    assert os.geteuid() == 0
    assert missing() == ()


def test_without_its_needs_a_test_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names what is missing."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="a lab needs: root, program nft"):
        require(("root", "program nft"))


def test_in_ci_nothing_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails, with the same words."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="a lab needs: root"):
        require(("root",))


def test_with_all_needs_a_test_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI and elsewhere."""
    monkeypatch.setenv("CI", "true")
    require(())
