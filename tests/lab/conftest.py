"""Skips, or fails in CI, tests that need root and the lab's packages where these are missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab
from lab.testing import require


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look at the machine before a test marked `root`."""
    if item.get_closest_marker("root"):
        require()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Give an empty lab."""
    with Lab("test", tmp_path) as made:
        yield made
