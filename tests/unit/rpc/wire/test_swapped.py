"""Twisted's own tests are the first judge of a drop-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_twisteds_own_tests_pass_with_the_class_swapped_in() -> None:
    """All 139 tests of twisted.test.test_amp pass when amp.AMP is ours."""
    argv = [sys.executable, "-m", "tests.unit.rpc.wire.swapped"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "ran 139 bad 0 skipped 0" in done.stdout, done.stdout + done.stderr
