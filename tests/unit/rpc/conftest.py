"""What the log got while a test ran."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import globalLogPublisher

from tests.unit.rpc.parts import Listener


@pytest.fixture
def logged() -> Iterator[Listener]:
    """Give what was logged so far in this test."""
    listener = Listener()
    globalLogPublisher.addObserver(listener)
    yield listener
    globalLogPublisher.removeObserver(listener)
