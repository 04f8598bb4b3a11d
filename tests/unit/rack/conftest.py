"""What the rack's tests share: the log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import globalLogPublisher

from tests.unit.rpc.parts import Listener


@pytest.fixture
def log() -> Iterator[Listener]:
    """Give what is logged during a test."""
    listener = Listener()
    globalLogPublisher.addObserver(listener)
    yield listener
    globalLogPublisher.removeObserver(listener)
