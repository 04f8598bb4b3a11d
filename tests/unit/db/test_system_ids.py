"""What can be a system id."""

from __future__ import annotations

import pytest

from maasha.db.system_ids import well_formed


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc467", True), ("abc46", False), ("abc4677", False), ("abc461", False), ("", False)],
)
def test_well_formed(text: str, expected: bool) -> None:
    """Six characters of the alphabet, nothing else."""
    assert well_formed(text) is expected
