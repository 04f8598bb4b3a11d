"""The real `maasha` process with a home of its own, against a small region."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

from tests.integration.cli.small_region import KEY, SmallRegion, running_region

ROOT = Path(__file__).parents[3]
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
        """Give the environment of the user's processes: `maasha` is on the PATH, of this tree."""
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return {"HOME": str(self.home), "PATH": path, "PYTHONPATH": str(ROOT)}

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

    def on_a_terminal(self, words: str) -> Ended:
        """Run `maasha` with a terminal for its output; what it shows comes as `out`."""
        ours, theirs = pty.openpty()
        argv = [str(BIN / "maasha"), *words.split()]
        with subprocess.Popen(
            argv, env=self.environment(), cwd=self.home, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            shown = b"".join(iter(lambda: _read(ours), b""))
            status = process.wait(DEADLINE)
        os.close(ours)
        return Ended(status, shown.decode().replace("\r\n", "\n"), "")

    @contextmanager
    def begins(self, words: str) -> Iterator[subprocess.Popen[str]]:
        """Begin `maasha`; what it remarks can be read line by line while it runs."""
        with subprocess.Popen(
            [str(BIN / "maasha"), *words.split()],
            env=self.environment(),
            cwd=self.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def maasha(self, words: str, *more: str, stdin: str = "") -> Ended:
        """Run `maasha` with words that blanks part, then with further ones as they are."""
        return self.runs(str(BIN / "maasha"), *words.split(), *more, stdin=stdin)


def _read(terminal: int) -> bytes:
    """Read what is shown; a terminal that nobody writes to any more fails instead of ending."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


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
