"""The programs on docs/library.md run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.examples.programs import EXAMPLES, ROOT

PAGE = (ROOT / "docs" / "library.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = {
    name[1]: block for block in BLOCKS if (name := re.match(r"# (\w+\.py)\n", block)) is not None
}
PRINTED = {
    "faster.py": ["{'total': 5}"],
    "cluster.py": ["joined as node-1", "the hub says 5", "the other side closed the connection"],
}


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python to its end."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(params=PRINTED)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a program of the page as a file."""
    name: str = request.param
    file = tmp_path / name
    file.write_text(PROGRAMS[name])
    return file


def test_a_program_of_the_page_does_what_it_says(program: Path) -> None:
    """It prints what is expected, and ends by itself."""
    done = python(str(program))
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(PRINTED[program.name])


def test_a_program_of_the_page_is_typed(program: Path) -> None:
    """Under mypy's strict mode."""
    done = python("-m", "mypy", str(program))
    assert done.returncode == 0, done.stdout


def test_every_program_of_the_page_is_run() -> None:
    """None is left out here."""
    assert set(PROGRAMS) == set(PRINTED)


def test_the_page_shows_the_examples_as_they_are() -> None:
    """The declaration of a command on the page is the example's, and so is its coroutine."""
    example = (EXAMPLES / "thermometer.py").read_text()
    shown = next(block for block in BLOCKS if block.startswith("class ReadSensor"))
    for piece in shown.strip().split("\n\n\n"):
        assert f"\n{piece}\n" in example


def test_the_page_names_files_that_exist() -> None:
    """Its links lead somewhere."""
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
