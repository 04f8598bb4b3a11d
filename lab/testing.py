"""Lets a test that needs a lab skip, or fail where it must not be skipped.

def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root"):
        require()
"""

import os

import pytest

from lab.requirements import missing


def require(lacking: tuple[str, ...] | None = None) -> None:
    """Skip the test that calls this, naming what the machine lacks; fail it where CI is set.

    `lacking` is what `missing` says, unless given.
    """
    lacking = missing() if lacking is None else lacking
    if not lacking:
        return
    message = f"a lab needs: {', '.join(lacking)}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
