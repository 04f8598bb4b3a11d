"""A secret that was given on the command line is not to be read there while the command runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "c0ffee" * 8
TOKEN = "k3f8qmwp-" + "ab" * 16
URL = "http://region:5240/MAAS/"
RACK = ["-m", "maasha.rack.commands", "register", "--url", URL]
CLI = ["-m", "maasha.cli", "init", "rack", "--maas-url", URL]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        ([*RACK, "--secret", SECRET], SECRET),
        ([*RACK, f"--secret={SECRET}"], SECRET),
        ([*RACK, "--token", TOKEN], TOKEN),
        ([*CLI, "--secret", SECRET], SECRET),
        ([*CLI, f"--token={TOKEN}"], TOKEN),
    ],
    ids=["secret", "secret=", "token", "init secret", "init token="],
)
def test_the_running_command_shows_no_secret(words: list[str], secret: str, tmp_path: Path) -> None:
    """Not in its own words, not in those of a program that it becomes or starts."""
    config = tmp_path / "rackd.conf"
    os.mkfifo(config)
    environment = os.environ | {
        "MAASHA_RACKD_CONFIG": str(config),
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }
    command = subprocess.Popen(
        [sys.executable, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with config.open("w") as asked:  # opens when the command has begun to read it
        shown = Path(f"/proc/{command.pid}/cmdline").read_bytes()
        children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text()
        environ = Path(f"/proc/{command.pid}/environ").read_bytes()
        asked.write(f"data_dir: {tmp_path}/data\n")
    _, said = command.communicate(timeout=30)
    assert command.returncode == 0, said
    assert URL.encode() in shown
    assert secret.encode() not in shown + environ + said
    assert children == ""
    assert b"--secret-file" in said or b"--token-file" in said
    kept = {path.name: path.read_text().strip() for path in (tmp_path / "data").iterdir()}
    assert secret in kept.values()
