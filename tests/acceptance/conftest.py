"""The manual's page, and whole clusters in labs of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cluster import Cluster, start
from lab.host import PROJECT
from lab.testing import require
from tests.acceptance.figures import Figures

PAGE = Path(os.environ.get("MAASHA_PAGE", PROJECT.parent / "shared/reference/high-availability.md"))
"""The users' manual of what must work; it is not part of the project."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail under CI, what this machine cannot run."""
    if item.get_closest_marker("root"):
        require()


FIGURES = Figures()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if FIGURES.lines:
        terminalreporter.section("figures")
        for line in FIGURES.lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def figures() -> Figures:
    """Take what a test measures, to be printed at the end."""
    return FIGURES


@pytest.fixture(scope="session")
def page() -> str:
    """Give the text of the page."""
    if not PAGE.exists():
        message = f"the manual's page is missing: set MAASHA_PAGE (looked at {PAGE.name})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return PAGE.read_text()


@pytest.fixture(scope="session")
def cli_block(page: str) -> str:
    """Give the page's block of commands that enables DHCP."""
    blocks = re.findall(r"^``` ?\w*\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if "ipranges create" in block]
    return str(block)


@pytest.fixture(scope="session")
def failover_blocks(page: str) -> tuple[str, str]:
    """Give the page's two failover blocks, the primary's first."""
    primary, secondary = re.findall(r"^failover peer .*?^}$", page, re.DOTALL | re.MULTILINE)
    return primary, secondary


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster with both racks linked and no DHCP yet; it ends with the module's tests."""
    require()
    started = start("acceptance", tmp_path_factory.mktemp("cluster"))
    yield started
    started.lab.close()
