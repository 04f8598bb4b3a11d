"""Daemons and programs as processes of their own, each with its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from maasha.db.dsn import DatabaseSettings
from tests.postgres import free_port

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "examples"
TWISTD = str(Path(sys.executable).with_name("twistd"))
WITHIN = 60.0
"""Seconds for anything to come to pass, on a machine that is busy."""
REGION = """\
maas_url: http://127.0.0.1:{api}/MAAS/
port: {api}
num_workers: 1
data_dir: {folder}
database_host: {host}
database_port: {port}
database_name: {name}
database_user: {user}
rpc_addresses: [127.0.0.1]
rpc_first_port: {first}
rpc_last_port: {last}
"""


def until(look: Callable[[], T], what: str) -> T:
    """Look again and again until there is something, or the time is over."""
    end = time.monotonic() + WITHIN
    while not (found := look()):
        assert time.monotonic() < end, f"it does not come to pass: {what}"
        time.sleep(0.1)
    return found


class Program:
    """A running process; all that it and its children say is in `log`."""

    def __init__(self, argv: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                argv, stdout=output, stderr=output, env=environment, cwd=log.parent
            )

    @property
    def said(self) -> str:
        """All so far."""
        return self.log.read_text()

    def says(self, words: str) -> str:
        """Wait until a line has these words, and give it; fails if the process ends before."""

        def look() -> str:
            ended = self._process.poll() is not None
            found = [line for line in self.said.splitlines() if words in line]
            assert found or not ended, self.said[-3000:]
            return found[0] if found else ""

        return until(look, f"{words!r} in {self.said[-3000:]}")

    def end(self) -> None:
        """End it, politely at first."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Site:
    """One host with a database, a folder and a plugin path."""

    def __init__(self, folder: Path, database: DatabaseSettings) -> None:
        self.folder = folder
        self.plugins = folder / "site-packages"
        self.sensors = folder / "thermal"
        self.api = free_port()
        self.first = free_port()
        self._programs: list[Program] = []
        host = database.hosts[0]
        self.config = folder / "regiond.conf"
        self.config.write_text(
            REGION.format(
                api=self.api,
                folder=folder / "region",
                host=host.name,
                port=host.port,
                name=database.name,
                user=database.user,
                first=self.first,
                last=self.first + 5,
            )
        )
        (folder / "region").mkdir()

    def install(self, **plugins: str) -> None:
        """Put the example and these modules of plugins where Python and Twisted look."""
        place = self.plugins / "twisted" / "plugins"
        place.mkdir(parents=True)
        (self.plugins / "thermometer.py").symlink_to(EXAMPLES / "thermometer.py")
        for name, text in plugins.items():
            (place / f"{name}.py").write_text(text)

    def sensor(self, name: str, shown: str) -> None:
        """Make a sensor as the kernel shows them."""
        (self.sensors / name).mkdir(parents=True, exist_ok=True)
        (self.sensors / name / "temp").write_text(f"{shown}\n")

    def region(self) -> Program:
        """Make an instance and start its region; it serves when this returns."""
        self.command("maasha.region.commands", "--config", str(self.config), "init")
        started = self._twistd("maasha-regiond", self.config)
        until(self.workers, "a worker is published")
        return started

    def rack(self) -> Program:
        """Register a rack with a token and start its controller."""
        config, token = self.folder / "rackd.conf", self.folder / "rack-token"
        config.write_text(f"data_dir: {self.folder / 'rack'}\n")
        token.write_text(self.token())
        url = f"http://127.0.0.1:{self.api}/MAAS/"
        words = ["register", "--url", url, "--token-file", str(token)]
        self.command("maasha.rack.commands", "--config", str(config), *words)
        return self._twistd("maasha-rackd", config)

    def guest(self, credential: Path) -> Program:
        """Start the other example."""
        argv = [str(EXAMPLES / "guest.py"), "127.0.0.1", str(self.workers()[0]), str(credential)]
        return self._start("guest", sys.executable, *argv)

    def token(self) -> str:
        """Make a join token."""
        return self.command("maasha.region.commands", "--config", str(self.config), "token")

    def workers(self) -> list[int]:
        """Give the ports on which workers take links; none as long as nobody says so."""
        url = f"http://127.0.0.1:{self.api}/MAAS/rpc/"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                loops = json.load(answer)["eventloops"] or {}
        except (urllib.error.URLError, OSError):
            return []
        return [port for places in loops.values() for _, port in places]

    def command(self, module: str, *words: str) -> str:
        """Run a command of ours to its end and give what it printed."""
        argv = [sys.executable, "-m", module, *words]
        done = subprocess.run(
            argv, env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self) -> None:
        """End what was started, the last first."""
        for program in reversed(self._programs):
            program.end()

    def _twistd(self, plugin: str, config: Path) -> Program:
        return self._start(
            plugin, TWISTD, "--nodaemon", "--pidfile=", plugin, "--config", str(config)
        )

    def _start(self, name: str, *argv: str) -> Program:
        log = self.folder / f"{name}-{len(self._programs)}.log"
        program = Program([*argv], log, self._environment)
        self._programs.append(program)
        return program

    @property
    def _environment(self) -> dict[str, str]:
        path = f"{self.plugins}{os.pathsep}{ROOT}"
        return {**os.environ, "PYTHONPATH": path, "THERMOMETERS": str(self.sensors)}
