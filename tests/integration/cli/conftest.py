"""The real `maasha` process with a home of its own, against a small region."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import frozen

from tests.integration.cli.small_region import KEY, SmallRegion, running_region

BIN = Path(sys.executable).parent
DEADLINE = 30.0
"""Seconds that a command may take here."""


@frozen
class Ended:
    """How a process ended."""

    status: int
    out: str
    err: str


@frozen
class User:
    """Somebody with a home and a shell."""

    home: Path

    def environment(self) -> Mapping[str, str]:
        """Give the environment of the user's processes: `maasha` is on the PATH."""
        return {"HOME": str(self.home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}

    def runs(self, *words: str, stdin: str = "") -> Ended:
        """Run a program to its end."""
        done = subprocess.run(
            words,
            env=self.environment(),
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def maasha(self, words: str, *more: str, stdin: str = "") -> Ended:
        """Run `maasha` with words that blanks part, then with further ones as they are."""
        return self.runs(str(BIN / "maasha"), *words.split(), *more, stdin=stdin)


@pytest.fixture
def region() -> Iterator[SmallRegion]:
    """Run a region."""
    with running_region() as region:
        yield region


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Make a user without a profile."""
    return User(tmp_path)


@pytest.fixture
def admin(user: User, region: SmallRegion) -> User:
    """Make a user with the profile `maas`; what the region has seen of that is forgotten."""
    done = user.maasha(f"login maas {region.url} {KEY}")
    assert done.status == 0, done.err
    region.seen.clear()
    return user
