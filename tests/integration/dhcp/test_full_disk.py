"""A rack whose disk is full, truly: a small tmpfs holds its spool."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.dhcp.full_disk import COUNT

pytestmark = pytest.mark.root


def test_a_full_disk_costs_nothing_but_an_alarm(tmp_path: Path) -> None:
    """All leases are offered from memory; with room again they are on disk, acknowledged."""
    module = "tests.integration.dhcp.full_disk"
    argv = ["unshare", "--mount", sys.executable, "-m", module, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    for words in (seen["full"], seen["still"]):
        assert "No space left on device" in words[0]
    assert seen["offered"] == COUNT
    assert seen["healed"] == []
    assert (seen["left"], seen["troubles"], seen["anew"]) == (1, [], COUNT + 1)
