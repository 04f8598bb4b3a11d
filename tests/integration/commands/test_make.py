"""`make run` by somebody who may not make network namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

PROJECT = Path(__file__).resolve().parents[3]
NOBODY = 65534


@pytest.fixture
def checkout() -> Iterator[Path]:
    """Give a folder of an ordinary user with all that `make run` begins with."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(PROJECT / "Makefile", folder)
        shutil.copytree(PROJECT / "requirements", folder / "requirements")
        shutil.copytree(PROJECT / "lab", folder / "lab", ignore=lambda *_: ("__pycache__",))
        for kept in (folder, *folder.rglob("*")):
            shutil.chown(kept, NOBODY if os.geteuid() == 0 else os.geteuid())
        yield folder


def test_make_run_asks_for_root_before_it_does_anything(checkout: Path) -> None:
    """It says what to type, and leaves no virtual environment behind."""
    before = sorted(checkout.rglob("*"))
    done = subprocess.run(
        ["/usr/bin/make", "run"],
        cwd=checkout,
        user=NOBODY if os.geteuid() == 0 else None,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "needs root: sudo make run" in done.stderr
    assert sorted(checkout.rglob("*")) == before
