"""The caller's side of a host's runner: start it, ask it, stop and start services through it."""

import json
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from lab.deadline import until
from lab.host import Host, HostProcess
from lab.process import Process
from lab.service import SOCKET, Service, Spec
from lab.supervision import State

START_TIMEOUT = 10.0
"""Seconds until a runner must answer; it takes 0.4 on an idle machine."""


@attrs.frozen
class ServiceStatus:
    """What a runner says of a service; `pid` is the one inside the host."""

    name: str
    state: State = attrs.field(converter=State)
    pid: int | None
    starts: int


@attrs.frozen
class RunnerError(Exception):
    """The runner did not understand a request."""

    message: str


@attrs.frozen(eq=False)
class RunnerControl:
    """A host's runner, whether it runs or not."""

    host: Host
    directory: Path

    @classmethod
    def prepare(cls, host: Host, services: Iterable[Service]) -> "RunnerControl":
        """Write the spec of a host's only runner; `launch` starts it."""
        directory = host.directory / "runner"
        directory.mkdir(mode=0o700, exist_ok=True)
        Spec(services).write(directory / "spec.json")
        return cls(host, directory)

    @classmethod
    def of(cls, host: Host) -> "RunnerControl":
        """Return the control of a runner that somebody else prepared."""
        return cls(host, host.directory / "runner")

    def launch(self, timeout: float = START_TIMEOUT) -> HostProcess:
        """Start the runner and wait until it answers."""
        (self.directory / SOCKET).unlink(missing_ok=True)
        argv = [sys.executable, "-m", "lab.runner", str(self.directory / "spec.json")]
        process = self.host.popen(argv, log=self.directory / "runner.log")
        until(self._answers, f"the runner of {self.host.name}", timeout=timeout)
        return process

    def process(self) -> Process:
        """Return the runner's own process, to be signalled; raise IndexError when it is gone."""
        return self.host.processes("-m lab.runner")[0]

    def status(self) -> dict[str, ServiceStatus]:
        """Return every service by name; raise OSError when the runner is not there."""
        return self._ask({"do": "status"})

    def stop(self, name: str, timeout: float = 15.0) -> None:
        """Stop a service for good and wait until it is down."""
        self._ask({"do": "stop", "name": name})
        self._await(name, State.DOWN, timeout)

    def start(self, name: str, timeout: float = 15.0) -> None:
        """Start a stopped service, and wait until its process is there."""
        self._ask({"do": "start", "name": name})
        self._await(name, State.UP, timeout)

    def _await(self, name: str, state: State, timeout: float) -> None:
        what = f"{name} on {self.host.name} to be {state.value}"
        until(lambda: self.status()[name].state is state, what, timeout=timeout, interval=0.02)

    def _answers(self) -> bool:
        try:
            return bool(self.status())
        except OSError:
            return False

    def _ask(self, request: Mapping[str, str]) -> dict[str, ServiceStatus]:
        answer: dict[str, Any] = json.loads(_exchange(self.directory, json.dumps(request)))
        if "error" in answer:
            raise RunnerError(answer["error"])
        return {entry["name"]: ServiceStatus(**entry) for entry in answer["services"]}


def _exchange(directory: Path, line: str) -> str:
    """Send one line to the control socket of a directory and return the line that comes back.

    The directory is reached through a descriptor: its own path may be too long for a socket's.
    """
    folder = os.open(directory, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5.0)
            connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
            connection.sendall(line.encode() + b"\n")
            with connection.makefile() as answers:
                return answers.readline()
    finally:
        os.close(folder)
